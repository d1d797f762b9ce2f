"""LiteRT: converted by litert-torch, quantized to int8 throughout by its own quantizer, s8 weights a channel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import litert_torch
import numpy as np
import torch
from ai_edge_quantizer import quantizer, recipe
from numpy.typing import NDArray
from torch import Tensor, nn

from itrt.bench.builders.deployed import LogitNetwork
from itrt.bench.subject import Image, Subject, normalized
from itrt.bench.workspace import Task


class _ChannelsLast(nn.Module):
    """Normalized image (1, H, W, 3) -> labels (1, H, W): LiteRT's own layout, so that it transposes nothing."""

    def __init__(self, network: nn.Module, iterations: int):
        super().__init__()
        self.logits = LogitNetwork(network, iterations)

    def forward(self, image: Tensor) -> Tensor:
        logits: Tensor = self.logits(image.permute(0, 3, 1, 2))
        return logits.permute(0, 2, 3, 1).argmax(dim=-1).to(torch.int32)


def build(task: Task) -> dict[str, Any]:
    """The runner's arguments: the model and the normalized image, channels last."""
    subject = task.subject

    def write(directory: Path) -> None:
        images = [_channels_last(image, subject) for image in subject.calibration_of(task.size)]
        exported = directory / "float.tflite"
        module = _ChannelsLast(subject.network, task.iterations).eval()
        litert_torch.convert(module, (torch.from_numpy(images[0]),)).export(str(exported))
        worker = quantizer.Quantizer(str(exported), recipe.static_wi8_ai8())
        calibrated = worker.calibrate({"serving_default": [{"args_0": image} for image in images]})
        worker.quantize(calibrated).export_model(str(directory / "model.tflite"))

    directory = task.built(f"litert-{task.iterations}", write)
    image = task.array_file("channels-last", _channels_last(subject.image_of(task.size), subject))
    return {"model": str(directory / "model.tflite"), "image": str(image)}


def _channels_last(image: Image, subject: Subject) -> NDArray[np.float32]:
    found = normalized(image, subject.mean, subject.standard_deviation)
    return np.ascontiguousarray(found.transpose(0, 2, 3, 1))
