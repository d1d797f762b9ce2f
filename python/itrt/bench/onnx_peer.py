"""The same network for ONNX Runtime: unrolled, quantized with its own tools, at what we found to be its best settings.

QDQ format, u8 activations, s8 weights a channel, the resampling to the image's size and the argmax left in float. Its
input is the normalized float image, so that the peer does not pay for the preprocessing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from itrt.nn import IterativeNetwork

_INPUT = "image"


class _Unrolled(nn.Module):
    """k iterations, the last answer at the image's size, labels."""

    def __init__(self, network: IterativeNetwork, iterations: int):
        super().__init__()
        self._network = network
        self._iterations = iterations

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        logits = self._network(image, self._iterations)[-1]
        resized = nn.functional.interpolate(logits, size=image.shape[-2:], mode="bilinear", align_corners=False)
        return resized.argmax(dim=1).to(torch.uint8)


def normalize(image: NDArray[np.uint8], mean: Sequence[float], std: Sequence[float]) -> NDArray[np.float32]:
    """(height, width, 3) u8 -> (1, 3, height, width) float32, as the float network sees it."""
    scaled = (image.astype(np.float32) / 255 - np.asarray(mean, np.float32)) / np.asarray(std, np.float32)
    return np.ascontiguousarray(scaled.transpose(2, 0, 1)[None])


def build(
    network: IterativeNetwork,
    iterations: int,
    calibration: Iterable[NDArray[np.float32]],
    directory: Path,
) -> Path:
    """Export and quantize; returns the quantized model's path in `directory`."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    images = list(calibration)
    exported, prepared = directory / f"float_{iterations}.onnx", directory / f"prepared_{iterations}.onnx"
    quantized = directory / f"quantized_{iterations}.onnx"
    torch.onnx.export(
        _Unrolled(network.eval(), iterations),
        (torch.from_numpy(images[0]),),
        str(exported),
        input_names=[_INPUT],
        output_names=["labels"],
        opset_version=17,
        dynamo=False,
    )
    quant_pre_process(str(exported), str(prepared))

    class Reader(CalibrationDataReader):  # type: ignore[misc, unused-ignore]
        def __init__(self) -> None:
            self._left: Iterator[NDArray[np.float32]] = iter(images)

        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            image = next(self._left, None)
            return None if image is None else {_INPUT: image}

    quantize_static(
        str(prepared),
        str(quantized),
        Reader(),
        quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        per_channel=True,
        nodes_to_exclude=_last_resize(prepared),
    )
    return quantized


def _last_resize(path: Path) -> list[str]:
    import onnx

    nodes = [node.name for node in onnx.load(str(path)).graph.node if node.op_type == "Resize"]
    return nodes[-1:]


def open_session(path: Path, threads: int) -> Callable[[NDArray[np.float32]], NDArray[np.uint8]]:
    """A function from the normalized image to labels, (height, width) u8."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session: Any = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def run(image: NDArray[np.float32]) -> NDArray[np.uint8]:
        labels: NDArray[np.uint8] = session.run(None, {_INPUT: image})[0][0]
        return labels

    return run
