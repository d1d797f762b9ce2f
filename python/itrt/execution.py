"""What a run executes: which kernels, and what the runtime computes in one."""

from __future__ import annotations

from dataclasses import dataclass

from itrt import _core


@dataclass(frozen=True)
class ExecutedOperator:
    """An operator of the program, as `Model.run` computes it.

    ``kernels`` are the names of all that take part. ``fused_into`` names the operator that computes this one on the
    way, or is None: then it is computed by itself, over whole tensors and, in the block, in every iteration.
    """

    section: str
    operator: str
    kind: str
    kernels: tuple[str, ...]
    fused_into: str | None


def executed_operators(program: _core.Program) -> tuple[ExecutedOperator, ...]:
    """All operators of a program in the order of execution."""
    rows = program.operators
    following = [row.name for row in rows[1:]] + [None]
    return tuple(
        ExecutedOperator(row.section, row.name, row.kind, tuple(row.kernels), name if row.joins_next else None)
        for row, name in zip(rows, following, strict=True)
    )
