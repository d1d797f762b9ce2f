"""A program as a float graph: what its integers stand for, operator by operator, but for the rounding of results.

    program      u8 ──► integers ──► scaled, rounded, clamped ──► u8
    float graph  real ─► the same, in real units ──► `Requantization` ──► real, one of 256 values, or not

So a simulation has the program's own weights, vectors and tables, and each tensor may be rounded or not. It is the
program's to within float32: a sum that lies halfway between two bytes may fall to the other side.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor

from itrt.converter.float_graph import FloatGraph, FloatTensor
from itrt.converter.float_operators import (
    FloatAdaptivePool,
    FloatAdd,
    FloatConstant,
    FloatConvolution,
    FloatDepthToSpace,
    FloatGather,
    FloatLookup,
    FloatMultiply,
    FloatOperator,
    FloatPad,
    FloatPool,
    FloatResize,
    FloatTerm,
    UnaryFunction,
    combine,
)
from itrt.format import (
    AdaptivePool,
    Add,
    Constant,
    Convolution,
    DepthToSpace,
    FixedPoint,
    Gather,
    Lookup,
    Multiply,
    Operator,
    Pad,
    Pool,
    Program,
    Resize,
)
from itrt.format import Tensor as ProgramTensor
from itrt.format.program import inputs_of


def dequantized_graph(program: Program) -> FloatGraph:
    """Return the float graph of a program; its image holds pixel - zero point."""
    make = _Dequantizer(program)
    image = program.tensors[program.image]

    def name(index: int | None) -> str | None:
        return None if index is None else program.tensors[index].name

    return FloatGraph(
        tensors={tensor.name: FloatTensor(tensor.name, tensor.channels) for tensor in program.tensors},
        image=image.name,
        state=name(program.state),
        next_state=name(program.next_state),
        logits=program.tensors[program.logits].name,
        stem=tuple(map(make.operator, program.stem)),
        block=tuple(map(make.operator, program.block)),
        head=tuple(map(make.operator, program.head)),
        mean=tuple(point / 255.0 for point in image.zero_points),
        std=program.preprocessing.std,
        iterations=program.iterations,
        max_iterations=program.max_iterations,
        steps=program.max_iterations or program.iterations,
    )


class Requantization:
    """What becomes of the result of each operator of a program, in real units."""

    def __init__(self, program: Program) -> None:
        self._tensors = {tensor.name: tensor for tensor in program.tensors}
        self._factors: dict[str, float] = {}
        self._clamps: dict[str, tuple[int, int]] = {}
        for operator in (*program.stem, *program.block, *program.head):
            name = program.tensors[operator.output].name
            self._factors[name] = _factor(operator, program.tensors)
            self._clamps[name] = operator.clamp if isinstance(operator, (Convolution, Add, Multiply)) else (0, 255)

    def rounded(self, name: str, result: Tensor) -> Tensor:
        """Return what the program stores of an operator's result, in real units."""
        tensor = self._tensors[name]
        low, high = (tensor.scale * (bound - tensor.zero_points[0]) for bound in self._clamps[name])
        return self.nearest(name, result * self._factors[name]).clamp(low, high)

    def unrounded(self, name: str, result: Tensor, clamp: tuple[float, float]) -> Tensor:
        """Return what a tensor without limits would hold; ``clamp`` is the float network's."""
        return (result * self._factors[name]).clamp(*clamp)

    def nearest(self, name: str, values: Tensor) -> Tensor:
        """Return the nearest of a tensor's 256 values."""
        return (torch.round(values / self._tensors[name].scale) * self._tensors[name].scale).clamp(*self.limits(name))

    def limits(self, name: str) -> tuple[float, float]:
        """Return the smallest and the largest value that a tensor can hold."""
        tensor = self._tensors[name]
        return -tensor.scale * tensor.zero_points[0], tensor.scale * (255 - tensor.zero_points[0])


def _factor(operator: Operator, tensors: Sequence[ProgramTensor]) -> float:
    """Return what averages and products are multiplied by beside what the float operator does: about one."""
    if not isinstance(operator, (Pool, AdaptivePool, Multiply)) or (
        isinstance(operator, Pool) and operator.mode == "max"
    ):
        return 1.0
    stored = math.prod(tensors[index].scale for index in inputs_of(operator))
    return operator.multiplier * 2.0**-operator.shift * tensors[operator.output].scale / stored


class _Dequantizer:
    """Makes float operators without clamps: those are in `Requantization`."""

    def __init__(self, program: Program) -> None:
        self._tensors = program.tensors
        self._image = program.image

    def operator(self, operator: Operator) -> FloatOperator:
        """Return what an operator computes in real units."""
        output = self._tensors[operator.output].name
        inputs = tuple(self._tensors[index].name for index in inputs_of(operator))
        match operator:
            case Convolution():
                return self._convolution(output, operator)
            case Add(multipliers=multipliers, shift=shift):
                unit = 2.0**-shift * self._tensors[operator.output].scale
                scales = [self._tensors[index].scale for index in operator.inputs]
                factors = tuple(unit * factor / scale for factor, scale in zip(multipliers, scales, strict=True))
                return FloatAdd(output, inputs, factors)
            case Multiply():
                return FloatMultiply(output, (inputs[0], inputs[1]))
            case Lookup(table=table):
                function = partial(
                    _look_up, self._tensors[operator.input], self._tensors[operator.output], table.at(0).shape
                )
                tables = FloatConstant(tuple(np.asarray(value, np.float64).reshape(-1) for value in table.values))
                return FloatLookup(output, inputs[0], (UnaryFunction(function, (tables,)),))
            case Pool():
                window = (operator.kernel, operator.stride, operator.padding[:2], operator.dilation)
                return FloatPool(output, inputs[0], operator.mode, *window, operator.ceil, operator.count_padding)
            case AdaptivePool(size=size):
                return FloatAdaptivePool(output, inputs[0], size)
            case Resize(size=size, factor=factor, mode=mode, align_corners=aligned):
                size_of = None if operator.size_of is None else self._tensors[operator.size_of].name
                return FloatResize(output, inputs[0], size_of, size, factor, mode, aligned)
            case Gather(channels=channels):
                return FloatGather(output, inputs, channels)
            case Pad(padding=padding, mode=mode):
                return FloatPad(output, inputs[0], padding, mode)
            case DepthToSpace(block=block):
                return FloatDepthToSpace(output, inputs[0], block)

    def _convolution(self, output: str, operator: Convolution) -> FloatConvolution:
        terms = tuple(
            FloatTerm(
                self._tensors[term.input].name,
                self._real(term.weight, 1.0 / self._tensors[term.input].scale),
                term.stride,
                term.padding,
                term.dilation,
                term.groups,
            )
            for term in operator.terms
        )
        gain = combine(lambda factor: factor * self._tensors[operator.output].scale, _factors(operator.scale))
        shift = combine(np.multiply, self._real(operator.bias, 1.0), gain)
        return FloatConvolution(output, terms, gain, shift)

    def _real(self, constant: Constant, unit: float) -> FloatConstant:
        return FloatConstant(tuple(np.asarray(value, np.float64) * unit for value in constant.values))


def _factors(scale: Constant | FixedPoint) -> FloatConstant:
    """Return what a sum is multiplied by, (out,)."""
    if isinstance(scale, Constant):
        return FloatConstant(tuple(np.asarray(value, np.float64) for value in scale.values))
    multiplier, shift = (_factors(each) for each in (scale.multiplier, scale.shift))
    return combine(lambda m, s: m * np.exp2(-s), multiplier, shift)


def _look_up(source: ProgramTensor, target: ProgramTensor, shape: tuple[int, int], x: Tensor, table: Tensor) -> Tensor:
    """Return table[channel][stored x] in real units; ``table`` holds (1 or channels, 256) values of ``shape``."""
    stored = torch.round(x / source.scale).add(source.zero_points[0]).clamp(0, 255).long()
    rows = table.reshape(shape).expand(x.shape[1], 256)
    channels = torch.arange(x.shape[1]).view(1, -1, 1, 1)
    return (rows[channels, stored] - target.zero_points[0]) * target.scale
