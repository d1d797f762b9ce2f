"""What ran in itrt: shown beside the times, so that they can be explained."""

from __future__ import annotations

from itrt.runtime import Model


def executed_kernels(model: Model) -> tuple[dict[str, object], ...]:
    """A row for every operator: its kernels, what is fused and what is hoisted. Nothing runs in stripes."""
    return tuple(
        {
            "section": row.section,
            "operator": row.operator,
            "kernels": ", ".join(row.kernels),
            "isa": model.isa,
            "fused into": row.fused_into or "",
            "hoisted terms": row.hoisted_terms,
            "stripe": "whole tensor",
        }
        for row in model.execution()
    )
