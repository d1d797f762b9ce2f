"""The constants of a convolution by step: s8 weights of all terms, i32 bias, f32 scale or multiplier and shift."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from itrt.converter.float_operators import FloatConstant, FloatConvolution
from itrt.converter.folding import input_channels
from itrt.format import Constant, FixedPoint
from itrt.quantize import (
    QuantizedWeights,
    Requantization,
    largest_bias,
    power_of_two_errors,
    power_of_two_weight_scale,
    quantize_affine,
    quantize_affine_integers,
    quantize_weights,
)

Float64Array = NDArray[np.float64]

# Where one term's weights are this much smaller than another's, they keep less than 3 of their 7 bits.
_NOTED_RANGE_RATIO = 32.0
# Factors that miss a power of two by more than this share are remarked on.
_NOTED_POWER_ERROR = 2.0**-12


@dataclass(frozen=True)
class InputQuantization:
    """How a term's input is stored: its scale, and by how much each channel's zero point exceeds real zero."""

    scale: float
    excess: Float64Array | None = None


@dataclass(frozen=True)
class ConvolutionConstants:
    """One weight for each term; remarks where the terms' ranges, or the steps' gains, differ too much for one scale."""

    weights: tuple[Constant, ...]
    bias: Constant
    scale: Constant | FixedPoint
    notes: tuple[str, ...]


def convolution_constants(
    operator: FloatConvolution,
    inputs: Sequence[InputQuantization],
    output_scale: float,
    requantization: Requantization = "float",
) -> ConvolutionConstants:
    """Quantize a convolution, each input's scale folded into its weights first.

    Raises
    ------
    ConversionError
        If a kernel is too large for a 31-bit accumulator, or a factor for fixed point.
    """
    kernels, weights, weight_scales = quantize_kernels(operator, inputs, output_scale, requantization)
    limits = [largest_bias([w.at(step) for w in weights], operator.output) for step in range(_steps(weights))]
    vectors: list[tuple[NDArray[np.generic], ...]] = []
    for step in range(_steps([*weights, operator.gain, operator.shift])):
        gain = operator.gain.at(step)
        # Rounded zero points move the sum by the same amount in every pixel: the bias moves it back.
        shift = operator.shift.at(step) + gain * _excess(operator, kernels, inputs, step)
        limit = limits[step] if len(limits) > 1 else limits[0]
        affine = weight_scales.at(step), gain, shift, output_scale, limit
        if requantization == "float":
            vectors.append(quantize_affine(*affine))
        else:
            vectors.append(quantize_affine_integers(*affine, requantization, operator.output))
    bias, *factors = (_constant(values) for values in zip(*vectors, strict=True))
    notes = [_note_different_ranges(operator, kernels)]
    if requantization == "pow2":
        notes.append(_note_powers_of_two(operator, weight_scales, output_scale))
    return ConvolutionConstants(
        weights=tuple(Constant(weight.values) for weight in weights),
        bias=bias,
        scale=factors[0] if len(factors) == 1 else FixedPoint(*factors),
        notes=tuple(note for note in notes if note is not None),
    )


def image_quantization(mean: Sequence[float]) -> InputQuantization:
    """Return how the image is stored: as it is, its zero points the mean, rounded."""
    exact = 255.0 * np.asarray(mean, np.float64)
    return InputQuantization(1.0, np.rint(exact) - exact)


def quantize_kernels(
    operator: FloatConvolution,
    inputs: Sequence[InputQuantization],
    output_scale: float,
    requantization: Requantization = "float",
) -> tuple[list[FloatConstant], list[QuantizedKernel], FloatConstant]:
    """Return the weights of each term times its input's scale, the s8 weights, and the scales of output channels."""
    # Output channels that normalization switches off would otherwise add noise: see `quantize_affine`.
    used = np.any([gain != 0.0 for gain in operator.gain.values], axis=0)[:, None, None, None]
    kernels = [
        FloatConstant(tuple(weight * source.scale * used for weight in term.weight.values))
        for term, source in zip(operator.terms, inputs, strict=True)
    ]
    choose_scale = _power_of_two_scale(operator, output_scale) if requantization == "pow2" else None
    return kernels, *_quantize_kernels(kernels, choose_scale)


@dataclass(frozen=True)
class QuantizedKernel:
    """The s8 weight of a term: one, or one a step."""

    values: tuple[NDArray[np.int8], ...]

    def at(self, step: int) -> NDArray[np.int8]:
        """The value that the iteration `step` (from 0) uses."""
        return self.values[step if len(self.values) > 1 else 0]


def _steps(constants: Iterable[Any]) -> int:
    return max(len(constant.values) for constant in constants)


_ChooseScale = Callable[[Sequence[Float64Array], int | None], Float64Array]
"""The weight scale for these terms, (out,), of a step, or None: of all steps."""


def _power_of_two_scale(operator: FloatConvolution, output_scale: float) -> _ChooseScale:
    def choose(terms: Sequence[Float64Array], step: int | None) -> Float64Array:
        gains = operator.gain.values if step is None else [operator.gain.at(step)]
        return power_of_two_weight_scale(terms, gains, output_scale)

    return choose


def _quantize_kernels(
    kernels: list[FloatConstant], choose_scale: _ChooseScale | None
) -> tuple[list[QuantizedKernel], FloatConstant]:
    """Quantize all terms of a convolution; return their s8 weights and the channels' scales.

    Without a choice, scales are the finest. A term that has one weight for all steps, beside terms that do not, keeps
    its one weight: then the scale is one for all steps, too.
    """

    def quantize(terms: list[Float64Array], step: int | None) -> QuantizedWeights:
        return quantize_weights(terms, choose_scale(terms, step) if choose_scale else None)

    if len({len(kernel.values) for kernel in kernels}) == 1:
        steps = _steps(kernels)
        by_step = [
            quantize([kernel.at(step) for kernel in kernels], step if steps > 1 else None) for step in range(steps)
        ]
        weights = [QuantizedKernel(tuple(q.weights[place] for q in by_step)) for place in range(len(kernels))]
        return weights, FloatConstant(tuple(q.scale for q in by_step))
    together = quantize([value for kernel in kernels for value in kernel.values], None)
    remaining = iter(together.weights)
    return [QuantizedKernel(tuple(next(remaining) for _ in kernel.values)) for kernel in kernels], FloatConstant(
        (together.scale,)
    )


def _excess(
    operator: FloatConvolution, kernels: list[FloatConstant], inputs: Sequence[InputQuantization], step: int
) -> Float64Array:
    """Return what the sum lacks because zero points are rounded, (out,), in the float sum's units."""
    total = np.zeros(len(kernels[0].at(step)), np.float64)
    for term, kernel, source in zip(operator.terms, kernels, inputs, strict=True):
        if source.excess is not None:
            total += (kernel.at(step).sum(axis=(1, 2)) * source.excess[input_channels(term)]).sum(axis=1)
    return total


def _note_different_ranges(operator: FloatConvolution, kernels: list[FloatConstant]) -> str | None:
    largest = np.stack([np.abs(kernel.at(0)).reshape(len(kernel.at(0)), -1).max(axis=1) for kernel in kernels])
    channels = int(np.count_nonzero(largest.max(axis=0) > _NOTED_RANGE_RATIO * largest.min(axis=0)))
    if channels == 0:
        return None
    return (
        f"{operator.output}: the weights of its inputs {', '.join(operator.inputs)} differ in range by more than "
        f"a factor of {_NOTED_RANGE_RATIO:.0f} in {channels} of {largest.shape[1]} output channels"
    )


def _note_powers_of_two(operator: FloatConvolution, weight_scales: FloatConstant, output_scale: float) -> str | None:
    """Weights that all steps share have one scale, which makes powers of two of all their gains only by luck."""
    steps = range(_steps([weight_scales, operator.gain]))
    factors = np.stack([operator.gain.at(step) * weight_scales.at(step) for step in steps]) / output_scale
    errors = power_of_two_errors(factors)
    if errors.max(initial=0.0) <= _NOTED_POWER_ERROR:
        return None
    return (
        f"{operator.output}: gains that differ from step to step over the same weights miss powers of two by "
        f"{100 * np.median(errors):.1f} % in the median, {100 * errors.max():.1f} % at most: train for it, or use fixed"
    )


def _constant(values: Iterable[NDArray[np.generic]]) -> Constant:
    """Return one value where all steps have the same."""
    listed = tuple(values)
    same = all(np.array_equal(listed[0], value) for value in listed[1:])
    return Constant(listed[:1] if same else listed)
