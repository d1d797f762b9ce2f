"""What ran in itrt: shown beside the times, so that they can be explained."""

from __future__ import annotations

from itrt.runtime import Model


def executed_kernels(model: Model) -> tuple[dict[str, object], ...]:
    """A row for every operator: its kernels, and what is fused. Nothing is hoisted, nothing runs in stripes."""
    return tuple(
        {
            "section": row.section,
            "operator": row.operator,
            "kernels": ", ".join(row.kernels),
            "isa": model.isa,
            "fused into": row.fused_into or "",
            "hoisted terms": 0,
            "stripe": "whole tensor",
        }
        for row in model.execution()
    )
