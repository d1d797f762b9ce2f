"""A convolution as ONNX has it: one node for all terms that can share one, and float sums of the others.

    u8 a ──┐
    u8 b ──┴ Concat ── DequantizeLinear ──► Conv ──┐
    s8 weights, s32 bias ─ DequantizeLinear ──┘    ├─ Add ── QuantizeLinear ──► u8
    u8 c ───────────── DequantizeLinear ──► Conv ──┘

Runtimes make one integer convolution of DequantizeLinear, Conv and QuantizeLinear. Terms of one geometry and one zero
point, as the concatenation that they come from has them, are such a Conv. What is left over is summed in float.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from itrt.export.context import Context
from itrt.format import Constant, Convolution, FixedPoint, Term

_CHANNELS = 1  # the axis


def convolution(context: Context, operator: Convolution) -> str:
    """Translate the operator: its u8 output's name."""
    bias = np.asarray(operator.bias.at(context.step), np.int64)
    groups = that_share_a_node(context, operator.terms)
    total = _convolved(context, operator, groups[0], bias)
    for terms in groups[1:]:
        total = context.graph.node("Add", [total, _convolved(context, operator, terms, np.zeros_like(bias))])
    return context.quantized(total, operator.output, operator.clamp)


def that_share_a_node(context: Context, terms: Sequence[Term]) -> list[list[Term]]:
    """Return the terms in groups, each of which is one Conv of concatenated inputs."""
    found: dict[tuple[object, ...], list[Term]] = {}
    for number, term in enumerate(terms):
        zero_points = context.tensor(term.input).zero_points
        alone = number if term.groups > 1 or len(zero_points) > 1 else None
        kernel = term.weight.at(0).shape[1:3]
        key = (kernel, term.stride, term.dilation, term.padding, zero_points, alone)
        found.setdefault(key, []).append(term)
    return list(found.values())


def _convolved(context: Context, operator: Convolution, terms: Sequence[Term], bias: NDArray[np.int64]) -> str:
    """The sum of terms of one geometry, in units of the output."""
    graph, first = context.graph, terms[0]
    tensor = context.tensor(first.input)
    # OHWI to OIHW; inputs of all terms one behind the other.
    weight = np.concatenate([np.asarray(term.weight.at(context.step)).transpose(0, 3, 1, 2) for term in terms], axis=1)
    top, left, bottom, right = first.padding
    if len(tensor.zero_points) > 1:
        source, zero_point = _padded_channels(context, first), 0
        bias = bias - _of_zero_points(weight, tensor.zero_points, first.groups)
        top = left = bottom = right = 0
    else:
        source, zero_point = _concatenated(context, terms), tensor.zero_points[0]
    scale = _scale(operator.scale, context.step)
    inputs = [
        graph.dequantize(source, 1.0, zero_point),
        graph.dequantized_constant(weight, scale, f"{operator.name}.weight"),
    ]
    if bias.any():
        inputs.append(graph.dequantized_constant(bias.astype(np.int32), scale, f"{operator.name}.bias"))
    return graph.node(
        "Conv",
        inputs,
        kernel_shape=weight.shape[2:],
        strides=first.stride,
        pads=(top, left, bottom, right),
        dilations=first.dilation,
        group=first.groups,
    )


def _scale(scale: Constant | FixedPoint, step: int) -> NDArray[np.float32]:
    """In fixed point: multiplier / 2 ** shift, which binary32 has."""
    if isinstance(scale, Constant):
        return np.asarray(scale.at(step), np.float32)
    multiplier = np.asarray(scale.multiplier.at(step), np.float32)
    factor: NDArray[np.float32] = np.ldexp(multiplier, -np.asarray(scale.shift.at(step), np.int32))
    return factor


def _concatenated(context: Context, terms: Sequence[Term]) -> str:
    values = [context.values[term.input] for term in terms]
    return values[0] if len(values) == 1 else context.graph.node("Concat", values, axis=_CHANNELS)


def _padded_channels(context: Context, term: Term) -> str:
    """The image with every channel padded by its own zero point: Conv pads all of them by one."""
    value, graph = context.values[term.input], context.graph
    if not any(term.padding):
        return value
    channels = []
    for index, zero_point in enumerate(context.tensor(term.input).zero_points):
        bounds = [context.numbers(number) for number in (index, index + 1, _CHANNELS)]
        channel = graph.node("Slice", [value, *bounds])
        channels.append(context.padded(channel, term.padding, zero_point))
    return graph.node("Concat", channels, axis=_CHANNELS)


def _of_zero_points(weight: NDArray[np.generic], zero_points: Sequence[int], groups: int) -> NDArray[np.int64]:
    """What zero points a channel take from every output's sum: the runtime's are moved into the bias, too."""
    outputs, per_group = weight.shape[:2]
    group_of = np.arange(outputs) * groups // outputs
    of_output = np.asarray(zero_points, np.int64).reshape(groups, per_group)[group_of]
    result: NDArray[np.int64] = (weight.sum(axis=(2, 3), dtype=np.int64) * of_output).sum(axis=1)
    return result
