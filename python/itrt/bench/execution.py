"""What ran in itrt: shown beside the times, so that they can be explained."""

from __future__ import annotations

from itrt import kernels
from itrt.runtime import Model


def executed_kernels(model: Model, height: int, width: int) -> tuple[dict[str, object], ...]:
    """A row for every kernel that runs the model on images of this size."""
    best: dict[str, dict[str, object]] = {}
    for row in kernels.list():
        if row["isa"] == model.isa or row["selected"]:
            best.setdefault(row["operation"], {"operation": row["operation"], "kernel": row["name"], "isa": row["isa"]})
    return tuple(best.values())
