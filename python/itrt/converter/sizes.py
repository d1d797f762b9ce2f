"""Arithmetic on sizes as the captured sections have them: expressions of "height" and "width"."""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import sympy  # type: ignore[import-untyped]

_LARGEST_DIVISOR = 64
_SAMPLED = range(65, 65 + 4 * 64)
_SYMBOLS = {name: sympy.Symbol(name, integer=True, positive=True) for name in ("height", "width")}


def difference(first: str, second: str) -> int | None:
    """Return first - second if that is one number for all images."""
    value = sympy.simplify(_parse(first) - _parse(second))
    return int(value) if value.is_Integer else None


def ratio(first: str, second: str) -> Fraction | None:
    """Return the fraction with first = floor(second * fraction) for all images, if there is one."""
    own, target = _parse(second), _parse(first)
    value = sympy.simplify(target / own)
    if value.is_Rational:
        return Fraction(int(value.p), int(value.q))
    divisors = range(2, _LARGEST_DIVISOR + 1)
    return next((Fraction(1, divisor) for divisor in divisors if target == sympy.floor(own / divisor)), None)


def same(first: str, second: str) -> bool:
    """Return whether two expressions are one size in every image.

    "height//2" and "(height - 2)//2 + 1" are, and sympy does not see it. Sizes are sums of quotients rounded down,
    whose pattern repeats: a run of sizes longer than any stride of a network decides.
    """
    return first == second or _samples(first) == _samples(second)


@cache
def _samples(expression: str) -> tuple[int, ...] | str:
    parsed = _parse(expression)
    if not parsed.free_symbols <= set(_SYMBOLS.values()):
        return expression  # of something else than the image's size: equal to itself alone
    evaluate = sympy.lambdify(tuple(_SYMBOLS.values()), parsed, "math")
    return tuple(int(evaluate(size, size + size % 7)) for size in _SAMPLED)


def _parse(expression: str) -> sympy.Expr:
    return sympy.sympify(expression, locals=_SYMBOLS)
