"""Lowering of functions of one value, which become tables: sigmoid, hard-swish, GELU and their like."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from itrt.converter import float_functions
from itrt.converter.builder import SectionBuilder
from itrt.converter.captured import Node
from itrt.converter.float_operators import FloatAdd, FloatLookup, FloatOperator, UnaryFunction
from itrt.converter.lower_affine import vector_of
from itrt.converter.lower_pointwise import clamp_operator

FUNCTIONS = (
    "aten.sigmoid.default",
    "aten.tanh.default",
    "aten.silu.default",
    "aten.gelu.default",
    "aten.elu.default",
    "aten.celu.default",
    "aten.selu.default",
    "aten.mish.default",
    "aten.softplus.default",
    "aten.leaky_relu.default",
    "aten.hardswish.default",
    "aten.hardsigmoid.default",
    "aten.abs.default",
    "aten.exp.default",
    "aten.square.default",
)
"""ATen operators of one activation; their other arguments are numbers and strings."""

# Where a function is constant beyond, what leads to it can be clamped: its 256 values then are finer.
_CONSTANT_BEYOND = {"aten.hardswish.default": (-3.0, math.inf), "aten.hardsigmoid.default": (-3.0, 3.0)}


def lower_function(node: Node, section: SectionBuilder) -> None:
    """Apply the ATen operator itself, its other arguments bound."""
    others = {name: value for name, value in node.arguments.items() if name != "self"}
    lower, upper = _CONSTANT_BEYOND.get(node.operator, (-math.inf, math.inf))
    lower_unary(node, section, UnaryFunction(partial(_operator(node.operator), **others)), lower, upper)


def lower_prelu(node: Node, section: SectionBuilder) -> None:
    """x where it is positive, else x times a weight, which may differ by channel."""
    weight = node.arguments["weight"]
    slope = vector_of(replace(weight, values=tuple(v.reshape(-1, 1, 1) for v in weight.values)), node, section)
    lower_unary(node, section, UnaryFunction(_leaky, (slope,)))


def lower_unary(
    node: Node, section: SectionBuilder, function: UnaryFunction, lower: float = -math.inf, upper: float = math.inf
) -> None:
    """Let the node's result be a function of each value; it is constant below ``lower`` and above ``upper``."""
    parts = []
    for source in section.sources(node.arguments["self"]):
        own = _of_channels(function, source.first, source.channels)
        before = _functions_of(source.operator)
        if before is not None:
            reads, functions = before
            parts.append(section.append(FloatLookup(source.tensor, reads, (*functions, own))))
            continue
        clamped = clamp_operator(source.operator, lower, upper) if math.isfinite(lower) else None
        if clamped is not None:
            section.append(clamped)
        output = section.new_tensor(node, node.operator.split(".")[1], source.channels)
        parts.append(section.append(FloatLookup(output, source.tensor, (own,))))
    section.define(node, parts)


def _functions_of(operator: FloatOperator | None) -> tuple[str, tuple[UnaryFunction, ...]] | None:
    """Return what a function of one value reads and does; None if the operator is no such function."""
    match operator:
        case FloatLookup(input=reads, functions=functions):
            return reads, functions
        case FloatAdd(inputs=(reads,), multipliers=(factor,), clamp=bounds):
            return reads, (UnaryFunction(partial(_scaled, factor, bounds)),)
        case _:
            return None


def _scaled(factor: float, bounds: tuple[float, float], x: Tensor) -> Tensor:
    return float_functions.clamp(x * factor, bounds)


def _of_channels(function: UnaryFunction, first: int, channels: int) -> UnaryFunction:
    """Return the function with the constants of some channels."""
    constants = tuple(
        replace(constant, values=tuple(v if v.size == 1 else v[first : first + channels] for v in constant.values))
        for constant in function.constants
    )
    return replace(function, constants=constants)


def _operator(name: str) -> Callable[..., Tensor]:
    _, operator, overload = name.split(".")
    found: Callable[..., Tensor] = getattr(getattr(torch.ops.aten, operator), overload)
    return found


def _leaky(x: Tensor, slope: Tensor) -> Tensor:
    return torch.where(x > 0, x, x * slope)
