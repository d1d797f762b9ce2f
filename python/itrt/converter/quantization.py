"""Turns the float graph and the calibrated ranges into the program."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from itrt.converter.float_graph import (
    FloatAdd,
    FloatConvolution,
    FloatGraph,
    FloatOperator,
    FloatResize,
    FloatTerm,
)
from itrt.converter.folding import input_channels
from itrt.format import Add, Constant, Convolution, Operator, Resize, Tensor, Term
from itrt.quantize import (
    ActivationParameters,
    activation_parameters,
    largest_bias,
    quantize_affine,
    quantize_value,
    quantize_weights,
)

# Where one term's weights are this much smaller than another's, they keep less than 3 of their 7 bits.
_NOTED_RANGE_RATIO = 32.0


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


def quantize_graph(graph: FloatGraph, ranges: dict[str, tuple[float, float]]) -> QuantizedGraph:
    """Quantize every operator.

    Raises
    ------
    ConversionError
        If a kernel is too large for a 31-bit accumulator.
    """
    quantizer = _Quantizer(graph, {name: activation_parameters(*bounds) for name, bounds in ranges.items()})
    return QuantizedGraph(
        tensors=quantizer.tensors(),
        stem=quantizer.operators(graph.stem, frozenset()),
        block=quantizer.operators(graph.block, _invariant_tensors(graph)),
        head=quantizer.operators(graph.head, frozenset()),
        notes=tuple(quantizer.notes),
    )


def _invariant_tensors(graph: FloatGraph) -> frozenset[str]:
    return frozenset(operator.output for operator in graph.stem) - {graph.state or ""}


class _Quantizer:
    def __init__(self, graph: FloatGraph, parameters: dict[str, ActivationParameters]) -> None:
        self.notes: list[str] = []
        self._graph = graph
        self._parameters = parameters
        self._index = {name: index for index, name in enumerate(graph.tensors)}
        self._image_mean = 255.0 * np.asarray(graph.mean, np.float64)
        self._image_zero_points = np.clip(np.rint(self._image_mean), 0, 255)

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
        name, output = operator.output, self._index[operator.output]
        match operator:
            case FloatConvolution():
                return self._convolution(operator, invariant)
            case FloatAdd():
                scale = self._parameters[name].scale
                pairs = zip(operator.inputs, operator.multipliers, strict=True)
                multipliers = (float(np.float32(m * self._parameters[source].scale / scale)) for source, m in pairs)
                inputs = tuple(self._index[source] for source in operator.inputs)
                return Add(name, output, inputs, tuple(multipliers), self._clamp(name, operator.clamp))
            case FloatResize():
                return Resize(name, output, self._index[operator.input], self._index[operator.size_of])

    def _clamp(self, name: str, bounds: tuple[float, float]) -> tuple[int, int]:
        lower, upper = (quantize_value(bound, self._parameters[name]) for bound in bounds)
        return lower, upper

    def _convolution(self, operator: FloatConvolution, invariant: frozenset[str]) -> Convolution:
        kernels = [self._folded_kernel(term, operator.gain) for term in operator.terms]
        self._note_different_ranges(operator, kernels)
        weights, weight_scales = _quantize_kernels(kernels)
        steps = max(len(weight_scales), len(operator.gain.values), len(operator.shift.values))
        limits = [
            largest_bias([weight.at(step) for weight in weights], operator.output) for step in range(len(weight_scales))
        ]
        vectors = []
        for step in range(steps):
            gain = operator.gain.at(step)
            # The image's zero points are rounded: what the rounding moves in every pixel, the bias moves back.
            shift = operator.shift.at(step) + gain * self._image_correction(operator, kernels, step)
            place = step if len(weight_scales) > 1 else 0
            scale = self._parameters[operator.output].scale
            vectors.append(quantize_affine(weight_scales[place], gain, shift, scale, limits[place]))
        return Convolution(
            name=operator.output,
            output=self._index[operator.output],
            terms=tuple(
                self._term(term, weight, invariant) for term, weight in zip(operator.terms, weights, strict=True)
            ),
            bias=_constant(bias for bias, _ in vectors),
            scale=_constant(scale for _, scale in vectors),
            clamp=self._clamp(operator.output, operator.clamp),
        )

    def _folded_kernel(self, term: FloatTerm, gain: Constant) -> Constant:
        """Multiply the weights by their input's scale; drop those of output channels that normalization switches off."""
        scale = 1.0 if term.input == self._graph.image else self._parameters[term.input].scale
        used = np.any([value != 0.0 for value in gain.values], axis=0)[:, None, None, None]
        return Constant(tuple(np.asarray(weight) * scale * used for weight in term.weight.values))

    def _image_correction(
        self, operator: FloatConvolution, kernels: list[Constant], step: int
    ) -> NDArray[np.float64] | float:
        """Return what the accumulator lacks, in real units, because zero points are 255 * mean rounded, (out,)."""
        correction: NDArray[np.float64] | float = 0.0
        for term, kernel in zip(operator.terms, kernels, strict=True):
            if term.input == self._graph.image:
                rest = (self._image_zero_points - self._image_mean)[input_channels(term)]
                correction = correction + (np.asarray(kernel.at(step)).sum(axis=(1, 2)) * rest).sum(axis=1)
        return correction

    def _term(self, term: FloatTerm, weight: Constant, invariant: frozenset[str]) -> Term:
        return Term(
            input=self._index[term.input],
            weight=weight,
            stride=term.stride,
            padding=term.padding,
            dilation=term.dilation,
            groups=term.groups,
            loop_invariant=term.input in invariant and len(weight.values) == 1,
        )

    def _note_different_ranges(self, operator: FloatConvolution, kernels: list[Constant]) -> None:
        if len(kernels) < 2:
            return
        largest = np.stack([np.abs(kernel.at(0)).reshape(len(kernel.at(0)), -1).max(axis=1) for kernel in kernels])
        channels = int(np.count_nonzero(largest.max(axis=0) > _NOTED_RANGE_RATIO * largest.min(axis=0)))
        if channels:
            self.notes.append(
                f"{operator.output}: the weights of its inputs {', '.join(operator.inputs)} differ in range by more than "
                f"a factor of {_NOTED_RANGE_RATIO:.0f} in {channels} of {largest.shape[1]} output channels"
            )


def _quantize_kernels(kernels: list[Constant]) -> tuple[list[Constant], list[NDArray[np.float64]]]:
    """Quantize all terms of a convolution; return their s8 weights and the scales, one or one a step.

    A term that has one weight for all steps beside terms that do not keeps its one weight: then the scale is
    one for all steps, too.
    """
    counts = {len(kernel.values) for kernel in kernels}
    if len(counts) == 1:
        quantized = [
            quantize_weights([np.asarray(kernel.at(step)) for kernel in kernels]) for step in range(counts.pop())
        ]
        columns = [Constant(tuple(q.weights[place] for q in quantized)) for place in range(len(kernels))]
        return columns, [q.scale for q in quantized]
    together = quantize_weights([np.asarray(value) for kernel in kernels for value in kernel.values])
    remaining = iter(together.weights)
    return [Constant(tuple(next(remaining) for _ in kernel.values)) for kernel in kernels], [together.scale]


def _constant(values: Iterable[NDArray[np.generic]]) -> Constant:
    """Return one value where all steps have the same."""
    listed = tuple(values)
    same = all(np.array_equal(listed[0], value) for value in listed[1:])
    return Constant(listed[:1] if same else listed)
