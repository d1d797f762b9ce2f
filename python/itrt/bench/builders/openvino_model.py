"""OpenVINO, quantized by nncf; u8 image in, resampled logits out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nncf
import openvino
import torch
from openvino.preprocess import PrePostProcessor

from itrt.bench.builders.deployed import LogitNetwork
from itrt.bench.subject import Subject, normalized
from itrt.bench.workspace import Task


def build(task: Task) -> dict[str, Any]:
    """The runner's arguments: the model and the image itself."""
    subject = task.subject

    def write(directory: Path) -> None:
        images = [
            normalized(image, subject.mean, subject.standard_deviation) for image in subject.calibration_of(task.size)
        ]
        example = torch.from_numpy(images[0])
        module = LogitNetwork(subject.network, task.iterations)
        converted = openvino.convert_model(module, example_input=example, input=list(example.shape))
        quantized = nncf.quantize(converted, nncf.Dataset(images), subset_size=len(images))
        openvino.save_model(_with_u8_image(quantized, subject), directory / "model.xml")

    directory = task.built(f"openvino-{task.iterations}", write)
    image = task.array_file("image", subject.image_of(task.size))
    return {"model": str(directory / "model.xml"), "image": str(image)}


def _with_u8_image(model: Any, subject: Subject) -> Any:
    """Normalization in the graph: the CPU plugin joins it with the conversion from u8."""
    processor = PrePostProcessor(model)
    image = processor.input()
    image.tensor().set_element_type(openvino.Type.u8).set_layout(openvino.Layout("NHWC"))
    image.model().set_layout(openvino.Layout("NCHW"))
    mean, scale = ([255.0 * value for value in values] for values in (subject.mean, subject.standard_deviation))
    image.preprocess().convert_element_type(openvino.Type.f32).mean(mean).scale(scale)
    return processor.build()
