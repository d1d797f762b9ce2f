"""Lowering of operators that work pixel by pixel: clamps, sums and products."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import Any

from torch import Tensor

from itrt.converter.builder import SectionBuilder
from itrt.converter.captured import Node, Value
from itrt.converter.float_operators import (
    FloatAdd,
    FloatConvolution,
    FloatGather,
    FloatLookup,
    FloatMultiply,
    FloatOperator,
    FloatResize,
    UnaryFunction,
    combine,
)
from itrt.converter.lower_affine import is_constant, lower_affine, number_of, vector_of
from itrt.converter.unsupported import UnsupportedOperatorError


def lower_relu(node: Node, section: SectionBuilder) -> None:
    """max(x, 0)."""
    _lower_clamp(node, section, 0.0, math.inf)


def lower_relu6(node: Node, section: SectionBuilder) -> None:
    """min(max(x, 0), 6)."""
    _lower_clamp(node, section, 0.0, 6.0)


def lower_hardtanh(node: Node, section: SectionBuilder) -> None:
    """Clamp to [min_val, max_val]."""
    _lower_clamp(node, section, float(node.arguments["min_val"]), float(node.arguments["max_val"]))


def lower_clamp(node: Node, section: SectionBuilder) -> None:
    """Clamp to [min, max], either of which may be missing."""
    lower, upper = node.arguments.get("min"), node.arguments.get("max")
    _lower_clamp(node, section, -math.inf if lower is None else lower, math.inf if upper is None else upper)


def _lower_clamp(node: Node, section: SectionBuilder, lower: Any, upper: Any) -> None:
    """Move a clamp into the operator before it; on its own it is an addition with one input."""
    if not isinstance(lower, (int, float)) or not isinstance(upper, (int, float)) or lower > upper:
        raise UnsupportedOperatorError(f"has bounds {lower} and {upper}; two ordered numbers are supported")
    parts = []
    for source in section.sources(node.arguments.get("self", node.arguments.get("input"))):
        clamped = clamp_operator(source.operator, float(lower), float(upper))
        if clamped is not None:
            section.append(clamped)
            parts.append(section.whole(source.tensor))
        else:
            output = section.new_tensor(node, "clamp", source.channels)
            parts.append(section.append(FloatAdd(output, (source.tensor,), (1.0,), (float(lower), float(upper)))))
    section.define(node, parts)


def clamp_operator(operator: FloatOperator | None, lower: float, upper: float) -> FloatOperator | None:
    """Return the operator with a further clamp behind its own; None if it cannot have one."""
    match operator:
        case FloatConvolution() | FloatAdd() | FloatMultiply():
            low, high = (min(max(bound, lower), upper) for bound in operator.clamp)
            return replace(operator, clamp=(low, high))
        case FloatLookup():
            function = UnaryFunction(partial(_clamp, lower, upper))
            return replace(operator, functions=(*operator.functions, function))
        case _:
            return None


def _clamp(lower: float, upper: float, x: Tensor) -> Tensor:
    return x.clamp(lower, upper)


def lower_add(node: Node, section: SectionBuilder) -> None:
    """Add two activations, or a number or parameter."""
    _lower_sum(node, section, 1.0, _factor(node))


def lower_sub(node: Node, section: SectionBuilder) -> None:
    """Subtract an activation, a number or a parameter."""
    _lower_sum(node, section, 1.0, -_factor(node))


def lower_reverse_sub(node: Node, section: SectionBuilder) -> None:
    """Subtract from an activation or a number."""
    _lower_sum(node, section, -_factor(node), 1.0)


def _factor(node: Node) -> float:
    alpha = node.arguments.get("alpha", 1)
    if not isinstance(alpha, (int, float)):
        raise UnsupportedOperatorError(f"has alpha={alpha}; a number is supported")
    return float(alpha)


def _lower_sum(node: Node, section: SectionBuilder, left_factor: float, right_factor: float) -> None:
    left, right = node.arguments["self"], node.arguments["other"]
    if is_constant(left):
        left, right, left_factor, right_factor = right, left, right_factor, left_factor
    if is_constant(right):
        shift = combine(lambda v: v * right_factor, vector_of(right, node, section))
        lower_affine(node, section, left, number_of(left_factor), shift, "add")
        return
    tensors = _broadcast(left, node, section), _broadcast(right, node, section)
    output = section.new_tensor(node, "add")
    section.write(node, FloatAdd(output, tensors, (left_factor, right_factor)))


def lower_expand(node: Node, section: SectionBuilder) -> None:
    """Repeat the one pixel or the one channel of a tensor."""
    section.define(node, (section.whole(_broadcast(node.arguments["self"], node, section)),))


def _broadcast(value: Value, node: Node, section: SectionBuilder) -> str:
    """Return the value with the channels, height and width of the node's result."""
    channels, height, width = section.shape(node.name)
    own_channels, own_height, own_width = section.shape(value.name)
    tensor = section.tensor(value)
    if own_channels == 1 < channels:
        output = section.new_tensor(node, "channels")
        tensor = section.append(FloatGather(output, (tensor,), ((0, 0),) * channels)).tensor
    if (own_height, own_width) == ("1", "1") != (height, width):
        output = section.new_tensor(node, "pixels")
        size_of = section.tensor_of_size(height, width)
        tensor = section.append(FloatResize(output, tensor, size_of=size_of, mode="nearest")).tensor
    elif "1" in (own_height, own_width) and (own_height, own_width) != (height, width):
        raise UnsupportedOperatorError(
            f"combines shapes {section.shape(value.name)} and {section.shape(node.name)}; one pixel goes with all"
        )
    return tensor


def lower_mul(node: Node, section: SectionBuilder) -> None:
    """Multiply two activations, one of which may have one pixel or one channel, or by a number or parameter."""
    left, right = node.arguments["self"], node.arguments["other"]
    if is_constant(left):
        left, right = right, left
    if is_constant(right):
        lower_affine(node, section, left, vector_of(right, node, section), number_of(0.0), "scale")
        return
    if _gates_itself(left, right, node, section) or _gates_itself(right, left, node, section):
        return
    shapes = section.shape(left.name), section.shape(right.name)
    for _, height, width in shapes:
        if "1" in (height, width) and (height, width) not in (("1", "1"), section.shape(node.name)[1:]):
            raise UnsupportedOperatorError(f"combines shapes {shapes[0]} and {shapes[1]}; one pixel goes with all")
    output = section.new_tensor(node, "multiply")
    section.write(node, FloatMultiply(output, (section.tensor(left), section.tensor(right))))


def _gates_itself(value: Value, gate: Value, node: Node, section: SectionBuilder) -> bool:
    """Make x * f(x) one table, if that is what it is and nothing else reads f(x)."""
    sources = section.sources(gate)
    function = sources[0].operator
    if len(sources) > 1 or not isinstance(function, FloatLookup) or function.constants:
        return False
    if section.whole_tensors(value) != (function.input,) or section.is_read(function.output):
        return False
    section.remove(function)
    output = section.new_tensor(node, "gate")
    gated = UnaryFunction(partial(_gated, function.functions))
    section.write(node, FloatLookup(output, function.input, (gated,)))
    return True


def _gated(functions: tuple[UnaryFunction, ...], x: Tensor) -> Tensor:
    gate = x
    for function in functions:
        gate = function.function(gate)
    return x * gate
