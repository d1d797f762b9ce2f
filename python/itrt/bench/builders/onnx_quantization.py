"""ONNX Runtime's own static quantization: QDQ, u8 activations, s8 weights a channel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import Tensor, nn

Feed = dict[str, NDArray[np.float32]]


def export(module: nn.Module, example: Sequence[Tensor], inputs: Sequence[str], output: str, path: Path) -> None:
    """Write a float graph of a fixed size."""
    torch.onnx.export(
        module,
        tuple(example),
        str(path),
        input_names=list(inputs),
        output_names=[output],
        opset_version=17,
        dynamo=False,
    )


def quantize(
    exported: Path,
    target: Path,
    feeds: Iterable[Feed],
    in_float: Callable[[onnx.GraphProto], Iterable[str]] = lambda graph: (),
    fixed: Mapping[str, tuple[float, int]] | None = None,
) -> None:
    """Quantize a float graph.

    Parameters
    ----------
    feeds
        The inputs of calibration.
    in_float
        The names of the nodes that stay as they are.
    fixed
        Scale and zero point of tensors that do not get their own.
    """
    prepared = target.with_name(f"prepared_{target.name}")
    quant_pre_process(str(exported), str(prepared))
    overrides = {
        name: [{"scale": np.array(scale, np.float32), "zero_point": np.array(zero_point, np.uint8)}]
        for name, (scale, zero_point) in (fixed or {}).items()
    }
    quantize_static(
        str(prepared),
        str(target),
        _Reader(feeds),
        quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        per_channel=True,
        nodes_to_exclude=list(in_float(onnx.load(str(prepared)).graph)),
        extra_options={"TensorQuantOverrides": overrides},
    )


def last_resize(graph: onnx.GraphProto) -> list[str]:
    """The resampling to the image's size: faster, and closer to the float network, when it stays in float."""
    return [node.name for node in graph.node if node.op_type == "Resize"][-1:]


class _Reader(CalibrationDataReader):  # type: ignore[misc, unused-ignore]
    def __init__(self, feeds: Iterable[Feed]) -> None:
        self._left: Iterator[Feed] = iter(feeds)

    def get_next(self) -> Any:
        return next(self._left, None)
