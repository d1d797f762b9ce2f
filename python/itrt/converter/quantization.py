"""Turns the float graph and the calibrated ranges into the operators of a program."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from itrt.converter.convolution_constants import InputQuantization, convolution_constants, image_quantization
from itrt.converter.float_graph import FloatGraph
from itrt.converter.float_operators import (
    FloatAdaptivePool,
    FloatAdd,
    FloatConvolution,
    FloatDepthToSpace,
    FloatGather,
    FloatLookup,
    FloatMultiply,
    FloatOperator,
    FloatPad,
    FloatPool,
    FloatResize,
)
from itrt.converter.lookup_table import lookup_table
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
    Resize,
    Tensor,
    Term,
)
from itrt.quantize import (
    ActivationParameters,
    Requantization,
    activation_parameters,
    fixed_point,
    positive_fixed_point,
    quantize_value,
)

PRODUCT_SHIFT = 45
"""The largest shift of a multiplication (docs/numerics.md)."""


@dataclass(frozen=True)
class QuantizedGraph:
    """The operators and tensors of a program, and remarks for the parity report."""

    tensors: tuple[Tensor, ...]
    stem: tuple[Operator, ...]
    block: tuple[Operator, ...]
    head: tuple[Operator, ...]
    notes: tuple[str, ...]

    def index(self, name: str) -> int:
        """Return the index of a tensor."""
        return next(index for index, tensor in enumerate(self.tensors) if tensor.name == name)


def quantize_graph(
    graph: FloatGraph, ranges: dict[str, tuple[float, float]], requantization: Requantization = "float"
) -> QuantizedGraph:
    """Quantize every operator; ``ranges`` are (lower, upper) of every tensor but the image.

    ``requantization`` is that of convolutions (all others compute in integers anyway).

    Raises
    ------
    ConversionError
        If a kernel is too large for a 31-bit accumulator, or a factor for fixed point.
    """
    return quantize_with(graph, activation_parameters_of(ranges), requantization)


def activation_parameters_of(ranges: dict[str, tuple[float, float]]) -> dict[str, ActivationParameters]:
    """Return the scales and zero points of tensors whose values lie in these ranges, (lower, upper)."""
    return {name: activation_parameters(*bounds) for name, bounds in ranges.items()}


def quantize_with(
    graph: FloatGraph, parameters: dict[str, ActivationParameters], requantization: Requantization = "float"
) -> QuantizedGraph:
    """Quantize every operator with scales and zero points that are known; else as `quantize_graph`."""
    quantizer = _Quantizer(graph, parameters, requantization)
    invariant = frozenset(operator.output for operator in graph.stem) - {graph.state or ""}
    return QuantizedGraph(
        tensors=quantizer.tensors(),
        stem=quantizer.operators(graph.stem, frozenset()),
        block=quantizer.operators(graph.block, invariant),
        head=quantizer.operators(graph.head, frozenset()),
        notes=tuple(quantizer.notes),
    )


class _Quantizer:
    def __init__(
        self, graph: FloatGraph, parameters: dict[str, ActivationParameters], requantization: Requantization
    ) -> None:
        self._requantization = requantization
        self.notes: list[str] = []
        self._graph = graph
        self._parameters = parameters
        self._index = {name: index for index, name in enumerate(graph.tensors)}
        self._image_zero_points = np.rint(255.0 * np.asarray(graph.mean, np.float64))
        self._image = image_quantization(graph.mean)

    def tensors(self) -> tuple[Tensor, ...]:
        return tuple(self._tensor(name) for name in self._graph.tensors)

    def _tensor(self, name: str) -> Tensor:
        channels = self._graph.tensors[name].channels
        if name == self._graph.image:
            return Tensor(name, channels, 1.0, tuple(int(point) for point in self._image_zero_points))
        parameters = self._parameters[name]
        return Tensor(name, channels, parameters.scale, (parameters.zero_point,))

    def operators(self, operators: Iterable[FloatOperator], invariant: frozenset[str]) -> tuple[Operator, ...]:
        """Quantize a section; terms that read ``invariant`` tensors may be computed before the loop."""
        return tuple(self._operator(operator, invariant) for operator in operators)

    def _operator(self, operator: FloatOperator, invariant: frozenset[str]) -> Operator:
        match operator:
            case FloatConvolution():
                return self._convolution(operator, invariant)
            case FloatAdd():
                return self._add(operator)
            case FloatMultiply():
                return self._multiply(operator)
            case FloatLookup():
                return self._lookup(operator)
            case FloatResize():
                return self._resize(operator)
            case FloatPool():
                return self._pool(operator)
            case FloatAdaptivePool(output=name, input=source, size=size):
                return AdaptivePool(name, self._index[name], self._index[source], size, *self._rescaling(source, name))
            case FloatGather(output=name, inputs=sources, channels=channels):
                return Gather(name, self._index[name], tuple(self._index[source] for source in sources), channels)
            case FloatPad(output=name, input=source, padding=padding, mode=mode):
                return Pad(name, self._index[name], self._index[source], padding, mode)
            case FloatDepthToSpace(output=name, input=source, block=block):
                return DepthToSpace(name, self._index[name], self._index[source], block)

    def _resize(self, operator: FloatResize) -> Resize:
        return Resize(
            name=operator.output,
            output=self._index[operator.output],
            input=self._index[operator.input],
            size_of=None if operator.size_of is None else self._index[operator.size_of],
            size=operator.size,
            factor=operator.factor,
            mode=operator.mode,
            align_corners=operator.align_corners,
        )

    def _pool(self, operator: FloatPool) -> Pool:
        name = operator.output
        multiplier, shift = (1, 0) if operator.mode == "max" else self._rescaling(operator.input, name)
        return Pool(
            name=name,
            output=self._index[name],
            input=self._index[operator.input],
            mode=operator.mode,
            kernel=operator.kernel,
            stride=operator.stride,
            padding=(*operator.padding, *operator.padding),
            dilation=operator.dilation,
            ceil=operator.ceil,
            count_padding=operator.count_padding,
            multiplier=multiplier,
            shift=shift,
        )

    def _rescaling(self, source: str, name: str) -> tuple[int, int]:
        """Return (multiplier, shift) from the scale of an input to that of the output."""
        return positive_fixed_point(self._parameters[source].scale / self._parameters[name].scale, name)

    def _multiply(self, operator: FloatMultiply) -> Multiply:
        name = operator.output
        first, second = (self._parameters[source].scale for source in operator.inputs)
        multiplier, shift = positive_fixed_point(first * second / self._parameters[name].scale, name, PRODUCT_SHIFT)
        return Multiply(
            name=name,
            output=self._index[name],
            inputs=(self._index[operator.inputs[0]], self._index[operator.inputs[1]]),
            multiplier=multiplier,
            shift=shift,
            clamp=self._clamp(name, operator.clamp),
        )

    def _lookup(self, operator: FloatLookup) -> Lookup:
        name = operator.output
        table = lookup_table(operator, self._parameters[operator.input], self._parameters[name])
        return Lookup(name, self._index[name], self._index[operator.input], table)

    def _add(self, operator: FloatAdd) -> Add:
        name = operator.output
        scale = self._parameters[name].scale
        pairs = zip(operator.inputs, operator.multipliers, strict=True)
        factors = [m * self._parameters[source].scale / scale for source, m in pairs]
        multipliers, shift = fixed_point(factors, name)
        return Add(
            name=name,
            output=self._index[name],
            inputs=tuple(self._index[source] for source in operator.inputs),
            multipliers=multipliers,
            shift=shift,
            clamp=self._clamp(name, operator.clamp),
        )

    def _convolution(self, operator: FloatConvolution, invariant: frozenset[str]) -> Convolution:
        name = operator.output
        inputs = [self._input(source) for source in operator.inputs]
        constants = convolution_constants(operator, inputs, self._parameters[name].scale, self._requantization)
        self.notes.extend(constants.notes)
        terms = tuple(
            Term(
                input=self._index[term.input],
                weight=weight,
                stride=term.stride,
                padding=term.padding,
                dilation=term.dilation,
                groups=term.groups,
                loop_invariant=term.input in invariant and len(weight.values) == 1,
            )
            for term, weight in zip(operator.terms, constants.weights, strict=True)
        )
        clamp = self._clamp(name, operator.clamp)
        return Convolution(name, self._index[name], terms, constants.bias, constants.scale, clamp)

    def _input(self, name: str) -> InputQuantization:
        return self._image if name == self._graph.image else InputQuantization(self._parameters[name].scale)

    def _clamp(self, name: str, bounds: tuple[float, float]) -> tuple[int, int]:
        lower, upper = (quantize_value(bound, self._parameters[name]) for bound in bounds)
        return lower, upper
