"""Operators that copy bytes: they stay in 8 bits, and are exact."""

from __future__ import annotations

from math import prod

import numpy as np

from itrt.export.context import Context
from itrt.format import DepthToSpace, Gather, Pad

_CHANNELS = 1  # the axis
_PAD_MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge"}


def gather(context: Context, operator: Gather) -> str:
    """Translate a choice of channels: of one tensor, in which the inputs stand one behind the other."""
    values = [context.values[index] for index in operator.inputs]
    counts = [context.tensor(index).channels for index in operator.inputs]
    first = np.cumsum([0, *counts[:-1]])
    channels = [int(first[place]) + channel for place, channel in operator.channels]
    joined = values[0] if len(values) == 1 else context.graph.node("Concat", values, axis=_CHANNELS)
    if channels == list(range(sum(counts))):
        return joined
    return context.graph.node("Gather", [joined, context.numbers(*channels)], axis=_CHANNELS)


def pad(context: Context, operator: Pad) -> str:
    """Translate padding, then cropping: what is mirrored is the input, not what is left of it."""
    zero_point = context.zero_point(operator.input)
    grown, cropped = ([limit(extent, 0) for extent in operator.padding] for limit in (max, min))
    value = context.padded(context.values[operator.input], grown, zero_point, _PAD_MODES[operator.mode])
    return context.padded(value, cropped, zero_point)


def depth_to_space(context: Context, operator: DepthToSpace) -> str:
    """Translate a rearrangement of channels: ONNX's operator has square blocks alone, ONNX Runtime 1.20's no bytes."""
    graph, value = context.graph, context.values[operator.input]
    down, across = operator.block
    channels = context.tensor(operator.input).channels // prod(operator.block)
    size = context.size_of(operator.input)
    split = size.joined(1, down, across, channels)
    blocks = graph.node("Transpose", [graph.node("Reshape", [value, split.name])], perm=[0, 3, 4, 1, 5, 2])
    larger = size * context.integers(down, across)
    return graph.node("Reshape", [blocks, larger.joined(1, channels).name])
