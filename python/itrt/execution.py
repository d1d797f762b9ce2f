"""What a run executes: which kernels, and what the runtime computes in one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from itrt import _core
from itrt.stripes import Stripe


@dataclass(frozen=True)
class ExecutedOperator:
    """An operator of the program, as `Model.run` computes it.

    ``kernels`` are the names of all that take part: none of what only moves bytes. ``fused_into`` names the operator
    that computes this one on the way, or is None: then it is computed by itself and, in the block, in every iteration.
    ``stripe`` is the one in which it runs, or None: then it runs over whole tensors. ``hoisted_terms`` are the terms of
    a convolution that are summed up once, before the loop.
    """

    section: str
    operator: str
    kind: str
    kernels: tuple[str, ...]
    fused_into: str | None
    stripe: Stripe | None = None
    hoisted_terms: int = 0


def executed_operators(program: _core.Program, stripes: Sequence[Stripe] = ()) -> tuple[ExecutedOperator, ...]:
    """All operators of a program in the order of execution."""
    rows = program.operators
    following = [row.name for row in rows[1:]] + [None]
    striped = _stripe_of_operator(rows, stripes)
    return tuple(
        ExecutedOperator(
            row.section,
            row.name,
            row.kind,
            tuple(row.kernels),
            name if row.joins_next else None,
            striped.get((row.section, row.name)),
            row.hoisted_terms,
        )
        for row, name in zip(rows, following, strict=True)
    )


def _stripe_of_operator(rows: Sequence[_core.Operator], stripes: Sequence[Stripe]) -> dict[tuple[str, str], Stripe]:
    result: dict[tuple[str, str], Stripe] = {}
    for stripe in stripes:
        names = [row.name for row in rows if row.section == stripe.section]
        for name in names[names.index(stripe.first) : names.index(stripe.last) + 1]:
            result[stripe.section, name] = stripe
    return result
