"""ONNX Runtime's fastest form here: the loop unrolled, one graph a number of iterations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from itrt.bench.builders.deployed import LabelNetwork
from itrt.bench.builders.onnx_quantization import export, last_resize, quantize
from itrt.bench.subject import normalized
from itrt.bench.workspace import Task


def build(task: Task) -> dict[str, Any]:
    """The runner's arguments: the model and the normalized image."""
    subject = task.subject
    images = [
        normalized(image, subject.mean, subject.standard_deviation) for image in subject.calibration_of(task.size)
    ]

    def write(directory: Path) -> None:
        exported = directory / "float.onnx"
        module = LabelNetwork(subject.network, task.iterations)
        export(module, [torch.from_numpy(images[0])], ["image"], "labels", exported)
        quantize(exported, directory / "model.onnx", ({"image": image} for image in images), last_resize)

    directory = task.built(f"onnx-unrolled-{task.iterations}", write)
    image = normalized(subject.image_of(task.size), subject.mean, subject.standard_deviation)
    return {"model": str(directory / "model.onnx"), "image": str(task.array_file("normalized", image))}
