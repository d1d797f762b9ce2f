"""Lowering of what is linear in one accumulator: convolution and batch normalization."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from itrt.converter.builder import SectionBuilder, UnsupportedOperatorError, is_unclamped
from itrt.converter.captured import Node, Parameter
from itrt.converter.float_graph import FloatConstant, FloatConvolution, FloatTerm

Float64Array = NDArray[np.float64]


def lower_convolution(node: Node, section: SectionBuilder) -> None:
    """Make a convolution with one term for each part of its input."""
    arguments = node.arguments
    if arguments.get("transposed", False):
        raise UnsupportedOperatorError("is transposed")
    weight = combine(lambda w: np.transpose(w, (0, 2, 3, 1)), _weight(arguments["weight"]))  # OIHW to OHWI
    parts = section.parts(arguments["input"])
    groups = int(arguments["groups"])
    if len(parts) > 1 and groups > 1:
        raise UnsupportedOperatorError(f"reads a concatenation with {groups} groups; 1 is supported")
    stride, dilation = _pair(arguments["stride"]), _pair(arguments["dilation"])
    padding = _padding(arguments["padding"], weight.at(0).shape[1:3], dilation)
    terms = []
    first = 0
    for part in parts:
        last = first + section.tensors[part.tensor].channels // groups
        columns = combine(lambda w, first=first, last=last: w[..., first:last], weight)
        top, left, bottom, right = (own + outer for own, outer in zip(padding, part.padding, strict=True))
        terms.append(FloatTerm(part.tensor, columns, stride, (top, left, bottom, right), dilation, groups))
        first = last
    channels = weight.at(0).shape[0]
    zeros = FloatConstant((np.zeros(channels),))
    shift = zeros if arguments["bias"] is None else _constant(arguments["bias"])
    output = section.new_tensor(node, "convolution")
    section.write(node, FloatConvolution(output, tuple(terms), FloatConstant((np.ones(channels),)), shift))


def lower_batch_norm(node: Node, section: SectionBuilder) -> None:
    """Fold batch normalization into the convolution before it; on its own it is a 1x1 depthwise convolution.

    The weights stay as they are: gain and shift go into vectors, which may differ by step.
    """
    if node.arguments.get("training", False):
        raise UnsupportedOperatorError("normalizes with the statistics of the batch")
    gain, shift = _batch_norm_vectors(node.arguments)
    producer = section.fusable(node.arguments["input"])
    if isinstance(producer, FloatConvolution) and is_unclamped(producer):
        folded_gain = combine(np.multiply, producer.gain, gain)
        folded_shift = combine(lambda inner, g, b: inner * g + b, producer.shift, gain, shift)
        section.write(node, replace(producer, gain=folded_gain, shift=folded_shift))
        return
    tensor = section.tensor(node.arguments["input"])
    channels = gain.at(0).size
    ones = FloatConstant((np.ones((channels, 1, 1, 1)),))
    output = section.new_tensor(node, "batch_norm")
    section.write(node, FloatConvolution(output, (FloatTerm(tensor, ones, groups=channels),), gain, shift))


def _batch_norm_vectors(arguments: dict[str, Any]) -> tuple[FloatConstant, FloatConstant]:
    """Return (gain, shift) with batch_norm(x) = gain * x + shift."""
    mean, variance = _constant(arguments["running_mean"]), _constant(arguments["running_var"])
    epsilon = float(arguments["eps"])
    gain = combine(lambda v: 1.0 / np.sqrt(v + epsilon), variance)
    if arguments["weight"] is not None:
        gain = combine(np.multiply, gain, _constant(arguments["weight"]))
    shift = combine(lambda m, g: -m * g, mean, gain)
    if arguments["bias"] is not None:
        shift = combine(np.add, shift, _constant(arguments["bias"]))
    return gain, shift


def combine(function: Callable[..., Any], *constants: FloatConstant) -> FloatConstant:
    """Apply a function to constants, step by step where any of them differs by step."""
    steps = max(len(constant.values) for constant in constants)
    return FloatConstant(tuple(function(*(constant.at(step) for constant in constants)) for step in range(steps)))


def _constant(value: Any) -> FloatConstant:
    if not isinstance(value, Parameter):
        raise UnsupportedOperatorError("expected parameters, found computed values")
    return FloatConstant(tuple(tensor.detach().to("cpu").double().numpy() for tensor in value.values))


def _weight(value: Any) -> FloatConstant:
    constant = _constant(value)
    if constant.at(0).ndim != 4:
        raise UnsupportedOperatorError(f"has a kernel of shape {constant.at(0).shape}; 2-D convolutions are supported")
    return constant


def _pair(value: Any) -> tuple[int, int]:
    numbers = tuple(int(number) for number in value) if isinstance(value, tuple) else (int(value),)
    return numbers[0], numbers[-1]


def _padding(value: Any, kernel: tuple[int, ...], dilation: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return (top, left, bottom, right) of a number, a pair, "same" or "valid"."""
    if value == "valid":
        return 0, 0, 0, 0
    if value == "same":
        total = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        top, left = (amount // 2 for amount in total)
        return top, left, total[0] - top, total[1] - left
    vertical, horizontal = _pair(value)
    return vertical, horizontal, vertical, horizontal
