"""Arithmetic on sizes as the captured sections have them: expressions of "height" and "width"."""

from __future__ import annotations

from fractions import Fraction

import sympy  # type: ignore[import-untyped]

_SYMBOLS = {name: sympy.Symbol(name, integer=True, positive=True) for name in ("height", "width")}


def difference(first: str, second: str) -> int | None:
    """Return first - second if that is one number for all images."""
    value = sympy.simplify(_parse(first) - _parse(second))
    return int(value) if value.is_Integer else None


def ratio(first: str, second: str) -> Fraction | None:
    """Return first / second if that is one number for all images."""
    value = sympy.simplify(_parse(first) / _parse(second))
    return Fraction(int(value.p), int(value.q)) if value.is_Rational else None


def _parse(expression: str) -> sympy.Expr:
    return sympy.sympify(expression, locals=_SYMBOLS)
