"""Resampling: of tensors, and of logits to labels of the image's size.

ONNX's Resize has weights of 24 bits, itrt's are 128ths. Where sizes differ by a power of two, both are the same, and
Resize it is. Elsewhere the neighbours are gathered and weighted, which gives itrt's sums:

    rows    a = Gather(x, first)    b = Gather(x, second)    a + (b - a) * weight        then columns alike

All of it on stored bytes: sums of 128ths of 128ths of them are exact in binary32.
"""

from __future__ import annotations

import numpy as np

from itrt.export.context import Context
from itrt.export.integers import Integers
from itrt.format import Resize

_CHANNELS, _ROWS = 1, 2  # axes
_WEIGHTS = 128
_MOST_EXACT = 32  # with a larger factor, centres are at finer parts than 128ths


def resize(context: Context, operator: Resize) -> str:
    """Translate a resize; the scale stays, so bytes are resampled as they are."""
    size = _output_size(context, operator)
    value = context.values[operator.input]
    if operator.mode == "nearest":
        return _nearest(context, operator, value, size)
    floats = context.graph.dequantize(value, 1.0, 0)
    resampled = _bilinear(context, operator.input, floats, size, operator.align_corners)
    return context.graph.quantize(context.halves_up(resampled, _WEIGHTS**-2), 1.0, 0)


def labels(context: Context, result: str) -> str:
    """Add the labels, (height, width) of the image, u8, or u16 where there are more than 256 classes."""
    from onnx import TensorProto

    graph, program = context.graph, context.program
    stored = graph.dequantize(context.values[program.logits], 1.0, 0)
    resampled = _bilinear(context, program.logits, stored, context.size_of(program.image), align_corners=False)
    found = graph.node("ArgMax", [resampled], axis=_CHANNELS, keepdims=0, select_last_index=0)
    smallest = TensorProto.UINT8 if len(program.classes) <= 256 else TensorProto.UINT16
    narrow = graph.node("Cast", [found], to=int(smallest))
    return graph.node("Squeeze", [narrow, context.numbers(0)], result)


def _output_size(context: Context, operator: Resize) -> Integers:
    """Height and width."""
    if operator.size_of is not None:
        return context.size_of(operator.size_of)
    if operator.size is not None:
        return context.integers(*operator.size)
    assert operator.factor is not None, f"{operator.name}: a size"
    numerators, denominators = zip(*operator.factor, strict=True)
    return context.size_of(operator.input) * context.integers(*numerators) // context.integers(*denominators)


def _nearest(context: Context, operator: Resize, value: str, size: Integers) -> str:
    before = context.size_of(operator.input)
    if _differ_by_powers_of_two(before, size):
        return _resized(context, operator.input, value, size, "nearest", "asymmetric")
    for axis in range(2):
        place = size.item(axis).numbered() * before.item(axis) // size.item(axis)
        value = context.graph.node("Gather", [value, place.name], axis=_ROWS + axis)
    return value


def _bilinear(context: Context, index: int, value: str, size: Integers, align_corners: bool) -> str:
    """Resample floats of a tensor's size."""
    before = context.size_of(index)
    if not align_corners and _differ_by_powers_of_two(before, size):
        return _resized(context, index, value, size, "linear", "half_pixel")
    for axis in range(2):
        value = _interpolated(context, value, _ROWS + axis, before.item(axis), size.item(axis), align_corners)
    return value


def _interpolated(
    context: Context, value: str, axis: int, before: Integers, after: Integers, align_corners: bool
) -> str:
    """Resample along an axis; the formulas of docs/numerics.md."""
    number, last = after.numbered(), before - 1
    if align_corners:
        numerator, denominator = number * last, (after - 1).at_least(1)
    else:
        numerator, denominator = ((number * 2 + 1) * before - after).at_least(0), after * 2
    first = (numerator // denominator).at_most(last)
    second = (first + 1).at_most(last)
    weight = ((numerator % denominator) * (2 * _WEIGHTS) + denominator) // (denominator * 2)
    if axis == _ROWS:
        weight = weight.column()
    graph = context.graph
    near, far = (graph.node("Gather", [value, place.name], axis=axis) for place in (first, second))
    step = graph.node("Mul", [graph.node("Sub", [far, near]), weight.over(_WEIGHTS)])
    return graph.node("Add", [near, step])


def _differ_by_powers_of_two(before: Integers, after: Integers) -> bool:
    """Whether both sizes are known, and an axis grows or shrinks by 1, 2, 4, ..."""
    if isinstance(before.value, str) or isinstance(after.value, str):
        return False
    smaller, larger = np.minimum(before.value, after.value), np.maximum(before.value, after.value)
    factor = larger // smaller
    return bool(np.all((larger % smaller == 0) & (factor & (factor - 1) == 0) & (factor <= _MOST_EXACT)))


def _resized(context: Context, index: int, value: str, size: Integers, mode: str, positions: str) -> str:
    return context.graph.node(
        "Resize",
        [value, "", "", size.joined(1, context.tensor(index).channels).name],
        mode=mode,
        coordinate_transformation_mode=positions,
        nearest_mode="floor",
    )
