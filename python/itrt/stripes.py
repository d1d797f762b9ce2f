"""Operators that run in stripes of rows: what callers say about them, checked against a program."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from itrt import _core
from itrt.errors import InvalidArgumentError

AUTO: Literal["auto"] = "auto"
"""Stripes that the runtime chooses for this CPU and each image size."""

StripeRow = tuple[str, int, int, int]
"""Section, places of the first and the last operator in it, rows: what the compiled module takes."""


@dataclass(frozen=True)
class Stripe:
    """Neighbouring operators that run in turns, a few rows at a time, instead of one after another over the image.

    What only these operators read is then stored a few rows at a time, too; rows that the next stripe needs again are
    kept, none is computed twice. The bytes of all results stay the same.

    Parameters
    ----------
    section
        "stem", "block" or "head".
    first, last
        Names of the first and the last operator, both included (`ExecutedOperator.operator`). An operator and the
        addition into which it is fused belong together.
    rows
        Rows of the last operator's output that a stripe computes: at least 1. Its height or more is one stripe.
    """

    section: str
    first: str
    last: str
    rows: int


StripeChoice = Iterable[Stripe] | Literal["auto"] | None
"""As `itrt.load` takes it."""


def stripe_rows(program: _core.Program, stripes: Iterable[Stripe] | str) -> tuple[StripeRow, ...]:
    """The stripes with places for names. Raises InvalidArgumentError for what is no stripe or names no operator."""
    if isinstance(stripes, str) or not isinstance(stripes, Iterable):
        raise InvalidArgumentError(f"stripes: expected None, 'auto' or itrt.Stripe objects, found {stripes!r}")
    return tuple(_stripe_row(program, stripe) for stripe in stripes)


def _stripe_row(program: _core.Program, stripe: object) -> StripeRow:
    if not isinstance(stripe, Stripe):
        raise InvalidArgumentError(f"stripes: expected 'auto' or itrt.Stripe objects, found {stripe!r}")
    names = [row.name for row in program.operators if row.section == stripe.section]
    if not names:
        raise InvalidArgumentError(f"section of a stripe: expected stem, block or head, found {stripe.section!r}")
    for name in (stripe.first, stripe.last):
        if name not in names:
            known = ", ".join(names)
            raise InvalidArgumentError(f"stripes of the {stripe.section}: expected operators ({known}), found {name!r}")
    if isinstance(stripe.rows, bool) or not isinstance(stripe.rows, int | np.integer):
        raise InvalidArgumentError(f"rows of a stripe: expected an integer, found {stripe.rows!r}")
    return stripe.section, names.index(stripe.first), names.index(stripe.last), int(stripe.rows)


def named_stripes(program: _core.Program, rows: Iterable[StripeRow]) -> tuple[Stripe, ...]:
    """The same with names for places."""
    names: dict[str, list[str]] = {}
    for row in program.operators:
        names.setdefault(row.section, []).append(row.name)
    return tuple(
        Stripe(section, names[section][first], names[section][last], count) for section, first, last, count in rows
    )
