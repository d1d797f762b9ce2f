"""Lowering of gain * x + shift: batch normalization, and arithmetic with numbers and parameters."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from torch import Tensor

from itrt.converter.builder import SectionBuilder
from itrt.converter.captured import Node, Parameter
from itrt.converter.float_operators import (
    UNBOUNDED,
    FloatAdd,
    FloatConstant,
    FloatConvolution,
    FloatLookup,
    FloatOperator,
    FloatTerm,
    UnaryFunction,
    combine,
)
from itrt.converter.lower_linear import constant_of
from itrt.converter.unsupported import UnsupportedOperatorError


def lower_batch_norm(node: Node, section: SectionBuilder) -> None:
    """Fold batch normalization into the convolution before it; on its own it is a 1x1 depthwise convolution.

    The weights stay as they are: gain and shift go into vectors, which may differ by step.
    """
    if node.arguments.get("training", False):
        raise UnsupportedOperatorError("normalizes with the statistics of the batch")
    lower_affine(node, section, node.arguments["input"], *_batch_norm_vectors(node.arguments), "batch_norm")


def lower_affine(
    node: Node, section: SectionBuilder, value: Any, gain: FloatConstant, shift: FloatConstant, kind: str
) -> None:
    """Let the node's result be gain * value + shift; both are (channels,), or (1,) if channels do not differ."""
    channels = section.shape(value.name)[0]
    gains, shifts = (combine(lambda v: np.broadcast_to(v, (channels,)), vector) for vector in (gain, shift))
    uniform = len(gain.values) == len(shift.values) == 1 and gain.at(0).size == shift.at(0).size == 1
    parts = []
    for source in section.sources(value):
        own_gain, own_shift = (combine(lambda v, at=source.places: v[at], vector) for vector in (gains, shifts))
        folded = _folded(source.operator, own_gain, own_shift, uniform)
        if folded is not None:
            section.append(folded)
            parts.append(section.whole(source.tensor))
            continue
        last = source.first + source.channels
        own_gain, own_shift = (
            combine(lambda v, first=source.first, last=last: v[first:last], vector) for vector in (gains, shifts)
        )
        output = section.new_tensor(node, kind, source.channels)
        parts.append(section.append(_operator(output, source.tensor, own_gain, own_shift, uniform)))
    section.define(node, parts)


def _folded(
    operator: FloatOperator | None, gain: FloatConstant, shift: FloatConstant, uniform: bool
) -> FloatOperator | None:
    """Return the operator with gain and shift behind it, or None if it cannot have them."""
    number, more = float(gain.at(0)[0]), float(shift.at(0)[0])
    match operator:
        case FloatConvolution() if operator.clamp == UNBOUNDED or (uniform and number > 0.0):
            lower, upper = operator.clamp
            return replace(
                operator,
                gain=combine(np.multiply, operator.gain, gain),
                shift=combine(lambda inner, g, b: inner * g + b, operator.shift, gain, shift),
                clamp=operator.clamp if operator.clamp == UNBOUNDED else (lower * number + more, upper * number + more),
            )
        case FloatLookup() if uniform:
            return replace(operator, functions=(*operator.functions, UnaryFunction(partial(_affine, number, more))))
        case _:
            return None


def _operator(output: str, tensor: str, gain: FloatConstant, shift: FloatConstant, uniform: bool) -> FloatOperator:
    """Return an operator that does nothing else: integers for a scaling, a table, or a depthwise convolution."""
    number, more = float(gain.at(0)[0]), float(shift.at(0)[0])
    if uniform and more == 0.0:
        return FloatAdd(output, (tensor,), (number,))
    if uniform:
        return FloatLookup(output, tensor, (UnaryFunction(partial(_affine, number, more)),))
    channels = gain.at(0).size
    ones = FloatConstant((np.ones((channels, 1, 1, 1)),))
    return FloatConvolution(output, (FloatTerm(tensor, ones, groups=channels),), gain, shift)


def _affine(gain: float, shift: float, x: Tensor) -> Tensor:
    return x * gain + shift


def lower_negation(node: Node, section: SectionBuilder) -> None:
    """-x."""
    lower_affine(node, section, node.arguments["self"], number_of(-1.0), number_of(0.0), "negation")


def lower_division(node: Node, section: SectionBuilder) -> None:
    """Divide by a number or by a parameter."""
    divisor = vector_of(node.arguments["other"], node, section)
    if any((value == 0.0).any() for value in divisor.values):
        raise UnsupportedOperatorError("divides by zero")
    lower_affine(node, section, node.arguments["self"], combine(lambda v: 1.0 / v, divisor), number_of(0.0), "division")


def is_constant(value: Any) -> bool:
    """Return whether an operand is a number or a parameter."""
    return isinstance(value, (int, float, Parameter))


def number_of(value: float) -> FloatConstant:
    """Return a constant for all channels and steps."""
    return FloatConstant((np.full(1, float(value)),))


def vector_of(value: Any, node: Node, section: SectionBuilder) -> FloatConstant:
    """Return an operand that is a number, or a parameter with one value or one a channel: (1,) or (channels,)."""
    if isinstance(value, (int, float)):
        return number_of(value)
    constant = constant_of(value)
    shape = constant.at(0).shape
    channels = section.shape(node.name)[0]
    rank = len(section.section.dimensions[node.name])
    full = (1,) * (rank - len(shape)) + shape
    if len(full) != rank or full[1] not in (1, channels) or any(size != 1 for size in (full[0], *full[2:])):
        raise UnsupportedOperatorError(
            f"combines an activation of {channels} channels with a parameter of shape {shape}; one value, or one a "
            f"channel, is supported"
        )
    return combine(lambda v: v.reshape(-1), constant)


def _batch_norm_vectors(arguments: dict[str, Any]) -> tuple[FloatConstant, FloatConstant]:
    """Return (gain, shift) with batch_norm(x) = gain * x + shift."""
    mean, variance = constant_of(arguments["running_mean"]), constant_of(arguments["running_var"])
    epsilon = float(arguments["eps"])
    gain = combine(lambda v: 1.0 / np.sqrt(v + epsilon), variance)
    if arguments["weight"] is not None:
        gain = combine(np.multiply, gain, constant_of(arguments["weight"]))
    shift = combine(lambda m, g: -m * g, mean, gain)
    if arguments["bias"] is not None:
        shift = combine(np.add, shift, constant_of(arguments["bias"]))
    return gain, shift
