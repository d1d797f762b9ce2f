"""PyTorch itself, in float32: what the network costs before anything is converted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from itrt.bench.builders.deployed import LabelNetwork
from itrt.bench.subject import normalized
from itrt.bench.workspace import Task


def build(task: Task) -> dict[str, Any]:
    """The runner's arguments: a traced and frozen graph and the normalized image."""
    subject = task.subject
    image = normalized(subject.image_of(task.size), subject.mean, subject.standard_deviation)

    def write(directory: Path) -> None:
        module = LabelNetwork(subject.network, task.iterations).eval()
        with torch.no_grad():
            traced = torch.jit.trace(module, torch.from_numpy(image), check_trace=False)  # type: ignore[no-untyped-call]
        torch.jit.save(torch.jit.freeze(traced), directory / "model.pt")

    directory = task.built(f"pytorch-{task.iterations}", write)
    return {"model": str(directory / "model.pt"), "image": str(task.array_file("normalized", image))}
