"""The integer constants of a convolution: s8 weights of all terms, i32 bias and f32 scale, by step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from itrt.converter.float_operators import FloatConstant, FloatConvolution
from itrt.converter.folding import input_channels
from itrt.format import Constant
from itrt.quantize import largest_bias, quantize_affine, quantize_weights

Float64Array = NDArray[np.float64]

# Where one term's weights are this much smaller than another's, they keep less than 3 of their 7 bits.
_NOTED_RANGE_RATIO = 32.0


@dataclass(frozen=True)
class InputQuantization:
    """How a term's input is stored: its scale, and by how much each channel's zero point exceeds real zero."""

    scale: float
    excess: Float64Array | None = None


@dataclass(frozen=True)
class ConvolutionConstants:
    """One weight for each term; a remark where the terms' ranges differ too much for one scale."""

    weights: tuple[Constant, ...]
    bias: Constant
    scale: Constant
    note: str | None


def convolution_constants(
    operator: FloatConvolution, inputs: Sequence[InputQuantization], output_scale: float
) -> ConvolutionConstants:
    """Quantize a convolution, each input's scale folded into its weights first.

    Raises
    ------
    ConversionError
        If a kernel is too large for a 31-bit accumulator.
    """
    kernels = scaled_kernels(operator, inputs)
    weights, weight_scales = quantize_kernels(kernels)
    limits = [largest_bias([w.at(step) for w in weights], operator.output) for step in range(_steps(weights))]
    vectors = []
    for step in range(_steps([*weights, operator.gain, operator.shift])):
        gain = operator.gain.at(step)
        # Rounded zero points move the sum by the same amount in every pixel: the bias moves it back.
        shift = operator.shift.at(step) + gain * _excess(operator, kernels, inputs, step)
        limit = limits[step] if len(limits) > 1 else limits[0]
        vectors.append(quantize_affine(weight_scales.at(step), gain, shift, output_scale, limit))
    return ConvolutionConstants(
        weights=tuple(Constant(weight.values) for weight in weights),
        bias=_constant(bias for bias, _ in vectors),
        scale=_constant(scale for _, scale in vectors),
        note=_note_different_ranges(operator, kernels),
    )


def image_quantization(mean: Sequence[float]) -> InputQuantization:
    """Return how the image is stored: as it is, its zero points the mean, rounded."""
    exact = 255.0 * np.asarray(mean, np.float64)
    return InputQuantization(1.0, np.rint(exact) - exact)


def scaled_kernels(operator: FloatConvolution, inputs: Sequence[InputQuantization]) -> list[FloatConstant]:
    """Return the weights of each term times its input's scale, 0 in output channels that have no gain in any step."""
    # Output channels that normalization switches off would otherwise add noise: see `quantize_affine`.
    used = np.any([gain != 0.0 for gain in operator.gain.values], axis=0)[:, None, None, None]
    return [
        FloatConstant(tuple(weight * source.scale * used for weight in term.weight.values))
        for term, source in zip(operator.terms, inputs, strict=True)
    ]


@dataclass(frozen=True)
class QuantizedKernel:
    """The s8 weight of a term: one, or one a step."""

    values: tuple[NDArray[np.int8], ...]

    def at(self, step: int) -> NDArray[np.int8]:
        """The value that the iteration `step` (from 0) uses."""
        return self.values[step if len(self.values) > 1 else 0]


def _steps(constants: Iterable[Any]) -> int:
    return max(len(constant.values) for constant in constants)


def quantize_kernels(kernels: list[FloatConstant]) -> tuple[list[QuantizedKernel], FloatConstant]:
    """Quantize all terms of a convolution; return their s8 weights and the channels' scales.

    A term that has one weight for all steps, beside terms that do not, keeps its one weight: then the scale is
    one for all steps, too.
    """
    if len({len(kernel.values) for kernel in kernels}) == 1:
        by_step = [quantize_weights([kernel.at(step) for kernel in kernels]) for step in range(_steps(kernels))]
        weights = [QuantizedKernel(tuple(q.weights[place] for q in by_step)) for place in range(len(kernels))]
        return weights, FloatConstant(tuple(q.scale for q in by_step))
    together = quantize_weights([value for kernel in kernels for value in kernel.values])
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


def _constant(values: Iterable[NDArray[np.generic]]) -> Constant:
    """Return one value where all steps have the same."""
    listed = tuple(values)
    same = all(np.array_equal(listed[0], value) for value in listed[1:])
    return Constant(listed[:1] if same else listed)
