"""Lowering of what is linear in one accumulator: convolutions and linear layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from itrt.converter.builder import SectionBuilder
from itrt.converter.captured import Node, Parameter
from itrt.converter.float_operators import FloatConstant, FloatConvolution, FloatTerm, combine
from itrt.converter.unsupported import UnsupportedOperatorError
from itrt.converter.values import Arrangement, Edges, Part


def lower_convolution(node: Node, section: SectionBuilder) -> None:
    """Make a convolution with one term for each part of its input."""
    arguments = node.arguments
    weight = combine(lambda w: np.transpose(w, (0, 2, 3, 1)), kernel_of(arguments["weight"]))  # OIHW to OHWI
    groups = int(arguments["groups"])
    stride, dilation = pair(arguments["stride"]), pair(arguments["dilation"])
    padding = _padding(arguments["padding"], weight.at(0).shape[1:3], dilation)
    parts = section.readable(arguments["input"], groups)
    terms = terms_of(section, parts, weight, stride, padding, dilation, groups)
    write_convolution(node, section, terms, arguments["bias"])


def lower_linear(node: Node, section: SectionBuilder) -> None:
    """Make a convolution whose kernel has the size of its input: one pixel, or all that was flattened."""
    if len(section.section.dimensions[node.name]) != 2:
        raise UnsupportedOperatorError("acts on other than flattened tensors; (1, features) is supported")
    value = section.value(node.arguments["input"])
    weight = constant_of(node.arguments["weight"])
    if not isinstance(value, Arrangement):
        kernel = combine(lambda w: w[:, None, None, :], weight)
        parts = section.readable(node.arguments["input"])
    elif value.pixels is None or value.places.ndim != 1:
        raise UnsupportedOperatorError("reads a tensor whose height and width are not known")
    else:
        kernel = combine(lambda w: _kernel_of_flattened(w, value), weight)
        parts = section.copies.whole_parts(value.parts, node.arguments["input"])
    write_convolution(node, section, terms_of(section, parts, kernel), node.arguments["bias"])


def _kernel_of_flattened(weight: Any, value: Arrangement) -> Any:
    """Return (out, height, width, channels) of a weight (out, features) over an arrangement's features."""
    assert value.pixels is not None
    channels = sum(len(part.channels) for part in value.parts)
    elements = channels * value.pixels[0] * value.pixels[1]
    if not np.array_equal(value.places, np.arange(elements)):
        spread = np.zeros((len(weight), elements))
        np.add.at(spread.T, value.places, np.transpose(weight))  # a place may stand for several features
        weight = spread
    return np.transpose(weight.reshape(len(weight), channels, *value.pixels), (0, 2, 3, 1))


def write_convolution(node: Node, section: SectionBuilder, terms: tuple[FloatTerm, ...], bias: Any) -> None:
    """Let the node's result be a convolution with a bias, if that is not None, and no activation."""
    channels = terms[0].weight.at(0).shape[0]
    zeros = FloatConstant((np.zeros(channels),))
    shift = zeros if bias is None else constant_of(bias)
    output = section.new_tensor(node, "convolution")
    section.write(node, FloatConvolution(output, terms, FloatConstant((np.ones(channels),)), shift))


def terms_of(
    section: SectionBuilder,
    parts: tuple[Part, ...],
    weight: FloatConstant,
    stride: tuple[int, int] = (1, 1),
    padding: Edges = (0, 0, 0, 0),
    dilation: tuple[int, int] = (1, 1),
    groups: int = 1,
) -> tuple[FloatTerm, ...]:
    """Return the terms of a convolution with a kernel (out, height, width, in / groups): one a part, a whole tensor."""
    terms = []
    first = 0
    for part in parts:
        last = first + section.tensors[part.tensor].channels // groups
        columns = combine(lambda w, first=first, last=last: w[..., first:last], weight)
        top, left, bottom, right = (own + outer for own, outer in zip(padding, part.padding, strict=True))
        terms.append(FloatTerm(part.tensor, columns, stride, (top, left, bottom, right), dilation, groups))
        first = last
    return tuple(terms)


def constant_of(value: Any) -> FloatConstant:
    """Return the values of an argument that must be a parameter."""
    if not isinstance(value, Parameter):
        raise UnsupportedOperatorError("expected parameters, found computed values")
    return FloatConstant(tuple(tensor.detach().to("cpu").double().numpy() for tensor in value.values))


def kernel_of(value: Any) -> FloatConstant:
    """Return the weight of a 2-D convolution."""
    constant = constant_of(value)
    if constant.at(0).ndim != 4:
        raise UnsupportedOperatorError(f"has a kernel of shape {constant.at(0).shape}; 2-D convolutions are supported")
    return constant


def pair(value: Any) -> tuple[int, int]:
    """Return (vertical, horizontal) of one number for both, or two."""
    numbers = value if isinstance(value, tuple) else (value,)
    if not numbers or not all(isinstance(number, int) for number in numbers):
        raise UnsupportedOperatorError(
            f"has the argument {value}; numbers that do not depend on the image are supported"
        )
    return numbers[0], numbers[-1]


def _padding(value: Any, kernel: tuple[int, ...], dilation: tuple[int, int]) -> Edges:
    """Return (top, left, bottom, right) of a number, a pair, "same" or "valid"."""
    if value == "valid":
        return 0, 0, 0, 0
    if value == "same":
        total = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        top, left = (amount // 2 for amount in total)
        return top, left, total[0] - top, total[1] - left
    vertical, horizontal = pair(value)
    return vertical, horizontal, vertical, horizontal
