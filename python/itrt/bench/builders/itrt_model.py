"""itrt's own converter; one file for every size and every number of iterations."""

from __future__ import annotations

from typing import Any

from itrt.bench.workspace import Task
from itrt.converter import convert


def build(task: Task) -> dict[str, Any]:
    """The runner's arguments; the file is converted where the directory does not have it."""
    subject = task.subject
    path = task.directory / subject.fingerprint() / "itrt" / "model.itrt"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        convert(
            subject.network,
            path,
            calibration=subject.calibration,
            mean=subject.mean,
            std=subject.standard_deviation,
            classes=subject.class_names,
            parity_images=0,
        )
    image = task.array_file("image", subject.image_of(task.size))
    return {"model": str(path), "image": str(image), "iterations": task.iterations}
