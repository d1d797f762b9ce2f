"""A program as an ONNX graph: the stem, the block as often as there are iterations, the head."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

import numpy as np

from itrt.export import arithmetic, copying, pooling, resampling
from itrt.export.context import Context
from itrt.export.convolution import convolution
from itrt.format import (
    AdaptivePool,
    Add,
    Convolution,
    DepthToSpace,
    Gather,
    Lookup,
    Multiply,
    Operator,
    Pad,
    Pool,
    Program,
    Resize,
)
from itrt.format.costs import Size

IMAGE: Final = "image"
LABELS: Final = "labels"
LOGITS: Final = "logits"


def unrolled(program: Program, iterations: int, sizes: tuple[Size, ...] | None, outputs: Iterable[str]) -> bytes:
    """Return the model's bytes.

    Parameters
    ----------
    sizes
        Height and width of every tensor; None: open, computed in the graph.
    outputs
        "labels", "logits" or both, in this order.
    """
    context = Context(program, sizes)
    context.values[program.image] = _image(context)
    _translate(context, program.stem, "")
    for step in range(iterations if program.block else 0):
        context.step = step
        _translate(context, program.block, f".{step}")
        if program.state is not None and program.next_state is not None:
            context.values[program.state] = context.values[program.next_state]
    _translate(context, program.head, "")
    context.graph.scope = "answer/"
    found = [_OUTPUTS[name](context) for name in outputs]
    return context.graph.model(program.name, [_image_info(context)], found, _metadata(program, iterations))


def _translate(context: Context, section: Iterable[Operator], step: str) -> None:
    for operator in section:
        context.graph.scope = f"{operator.name}{step}/"
        context.values[operator.output] = translated(context, operator)


def translated(context: Context, operator: Operator) -> str:
    """Add an operator to the graph: the name of its output there."""
    match operator:
        case Convolution():
            return convolution(context, operator)
        case Add():
            return arithmetic.add(context, operator)
        case Multiply():
            return arithmetic.multiply(context, operator)
        case Lookup():
            return arithmetic.lookup(context, operator)
        case Pool(mode="max"):
            return pooling.max_pool(context, operator)
        case Pool():
            return pooling.average_pool(context, operator)
        case AdaptivePool():
            return pooling.adaptive_pool(context, operator)
        case Gather():
            return copying.gather(context, operator)
        case Pad():
            return copying.pad(context, operator)
        case DepthToSpace():
            return copying.depth_to_space(context, operator)
        case Resize():
            return resampling.resize(context, operator)


def _image(context: Context) -> str:
    """The image as the program has it: channels first, in the model's order of colours."""
    graph = context.graph
    graph.scope = "image/"
    value = graph.node("Transpose", [IMAGE], perm=[2, 0, 1])
    if context.program.preprocessing.color_order == "BGR":
        value = graph.node("Gather", [value, context.numbers(2, 1, 0)], axis=0)
    return graph.node("Unsqueeze", [value, context.numbers(0)])


def _image_info(context: Context) -> Any:
    from onnx import TensorProto, helper

    return helper.make_tensor_value_info(IMAGE, TensorProto.UINT8, [*_extents(context, context.program.image), 3])


def _labels(context: Context) -> Any:
    from onnx import TensorProto, helper

    resampling.labels(context, LABELS)
    kind = TensorProto.UINT8 if len(context.program.classes) <= 256 else TensorProto.UINT16
    return helper.make_tensor_value_info(LABELS, kind, _extents(context, context.program.image))


def _logits(context: Context) -> Any:
    from onnx import TensorProto, helper

    graph, program = context.graph, context.program
    real = context.dequantized(program.logits, context.tensor(program.logits).scale)
    graph.node("Squeeze", [real, context.numbers(0)], LOGITS)
    size: list[Any] = ["logits_height", "logits_width"]
    if context.sizes is not None:
        size = list(context.sizes[program.logits])
    channels = context.tensor(program.logits).channels
    return helper.make_tensor_value_info(LOGITS, TensorProto.FLOAT, [channels, *size])


_OUTPUTS = {LABELS: _labels, LOGITS: _logits}


def _extents(context: Context, index: int) -> list[Any]:
    """Height and width: numbers, or the image's by name."""
    return ["height", "width"] if context.sizes is None else list(context.sizes[index])


def _metadata(program: Program, iterations: int) -> dict[str, str]:
    return {
        **program.metadata,
        "iterations": str(iterations),
        "classes": json.dumps(program.classes),
        "palette": json.dumps(np.asarray(program.palette).tolist()),
    }
