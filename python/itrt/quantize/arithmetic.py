"""The arithmetic of quantization: float64 throughout, rounded to float32 once, at the end (docs/numerics.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from itrt.errors import ConversionError

Float64Array = NDArray[np.float64]

_LARGEST_ACCUMULATOR = 2**31 - 1
_LARGEST_BIAS = 2**30
_SMALLEST_USEFUL_BIAS = 2**16
_LARGEST_MULTIPLIER = 32767  # of an addition
_LARGEST_SHIFT = 28
_SMALLEST_SCALE = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True)
class ActivationParameters:
    """real = scale * (stored - zero_point); the scale is a float32 number, the zero point 0..255."""

    scale: float
    zero_point: int


@dataclass(frozen=True)
class QuantizedWeights:
    """s8 weights of all terms, each (out, height, width, in), and the float64 scale of each output channel, (out,)."""

    weights: tuple[NDArray[np.int8], ...]
    scale: Float64Array


def activation_parameters(lower: float, upper: float) -> ActivationParameters:
    """Choose scale and zero point for values in [lower, upper]; the range is extended to include zero."""
    lower, upper = min(lower, 0.0), max(upper, 0.0)
    if upper == lower:
        return ActivationParameters(1.0, 0)
    scale = float(np.float32(max((upper - lower) / 255.0, _SMALLEST_SCALE)))
    return ActivationParameters(scale, int(np.clip(np.rint(-lower / scale), 0, 255)))


def quantize_value(value: float, parameters: ActivationParameters) -> int:
    """Return the stored u8 value nearest to a real one; infinities give the ends."""
    if np.isinf(value):
        return 255 if value > 0 else 0
    return int(np.clip(np.rint(value / parameters.scale) + parameters.zero_point, 0, 255))


def quantize_weights(terms: Sequence[Float64Array], scale: Float64Array | None = None) -> QuantizedWeights:
    """Quantize the float weights of one accumulator, symmetric in -127..127, one scale an output channel for all terms.

    Each term is (out, height, width, in) and already multiplied by its input's scale. The scale is the finest that
    clips no weight, and 0 of a channel that is zero everywhere, unless it is given.
    """
    if scale is None:
        scale = np.max([np.abs(term).reshape(term.shape[0], -1).max(axis=1) for term in terms], axis=0) / 127.0
    divisor = np.where(scale > 0.0, scale, 1.0)[:, None, None, None]
    weights = tuple(np.clip(np.rint(term / divisor), -127, 127).astype(np.int8) for term in terms)
    return QuantizedWeights(weights, scale)


def fixed_point(
    factors: Sequence[float], name: str, largest_shift: int = _LARGEST_SHIFT
) -> tuple[tuple[int, ...], int]:
    """Return 16-bit multipliers and the shift, from 0, with factor = multiplier / 2**shift as nearly as they allow.

    Raises
    ------
    ConversionError
        If a factor is beyond 16 bits.
    """
    largest = max(abs(factor) for factor in factors)
    shift = next((s for s in range(largest_shift, -1, -1) if round(largest * 2**s) <= _LARGEST_MULTIPLIER), None)
    if shift is None:
        raise ConversionError(f"{name}: expected factors of at most {_LARGEST_MULTIPLIER}, found {largest}")
    return tuple(round(factor * 2**shift) for factor in factors), shift


def positive_fixed_point(factor: float, name: str, largest_shift: int = _LARGEST_SHIFT) -> tuple[int, int]:
    """Return a multiplier, 1..32767, and the shift of one positive factor; raises as `fixed_point`."""
    (multiplier,), shift = fixed_point([factor], name, largest_shift)
    return max(multiplier, 1), shift


def short_scales(scale: Float64Array) -> NDArray[np.float32]:
    """Round to 22 significant bits: products of 1.5 * 2**23 with such a scale are exact, which kernels make use of."""
    mantissa, exponent = np.frexp(scale)
    rounded: NDArray[np.float32] = np.ldexp(np.rint(np.ldexp(mantissa, 22)), exponent - 22).astype(np.float32)
    return rounded


def largest_bias(weights: Sequence[NDArray[np.int8]], name: str) -> NDArray[np.int64]:
    """Return how large each output channel's |bias| may be, (out,), so that no partial sum can leave 31 bits.

    A partial sum is at most |bias| + sum |w| * 255, and moving the zero points into the bias adds as much again.

    Raises
    ------
    ConversionError
        If the kernel alone can overflow.
    """
    magnitude = sum(np.abs(w.astype(np.int64)).reshape(w.shape[0], -1).sum(axis=1) for w in weights)
    room = np.minimum(_LARGEST_ACCUMULATOR - 2 * 255 * np.asarray(magnitude, np.int64), _LARGEST_BIAS)
    if room.min() < _SMALLEST_USEFUL_BIAS:
        raise ConversionError(
            f"{name}: expected a kernel whose sum fits a 31-bit accumulator, found sum |w| = {np.max(magnitude)} "
            f"in one output channel"
        )
    return room


def bounded_unit(
    weight_scale: Float64Array, gain: Float64Array, shift: Float64Array, bias_limit: NDArray[np.int64]
) -> Float64Array:
    """Return what one count of each accumulator is worth, in real units: so much that the shift's bias has its room."""
    unit = gain * weight_scale
    smallest = np.abs(shift) / bias_limit
    sign = np.where(unit < 0.0, -1.0, 1.0)
    bounded: Float64Array = np.where(np.abs(unit) < smallest, sign * smallest, unit)
    return bounded


def quantize_affine(
    weight_scale: Float64Array,
    gain: Float64Array,
    shift: Float64Array,
    output_scale: float,
    bias_limit: NDArray[np.int64],
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return (bias, scale), (out,) each: scale * (acc + bias) = (gain * weight_scale * acc + shift) / output_scale.

    Where the gain is so small that the shift would need a bias beyond its limit, the gain is raised until it fits:
    the accumulator, at most a few percent of the limit, then stands for almost nothing, as it did before.
    """
    unit = bounded_unit(weight_scale, gain, shift, bias_limit)
    bias = np.rint(np.divide(shift, unit, out=np.zeros_like(shift), where=unit != 0.0))
    bias = np.clip(bias, -bias_limit, bias_limit)
    return bias.astype(np.int32), short_scales(unit / output_scale)
