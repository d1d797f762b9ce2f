"""Requantization without floating point: what turns sums into outputs as a multiplier and a shift (docs/numerics.md).

Fixed point meets any factor to 15 bits. Powers of two have no choice of their own, but a channel's weights may be
quantized with any scale that is not too fine for the largest of them: it is chosen such that the factor becomes one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from itrt.errors import ConversionError
from itrt.quantize.arithmetic import Float64Array, bounded_unit, quantize_weights

Requantization = Literal["float", "fixed", "pow2"]
REQUANTIZATIONS: tuple[Requantization, ...] = get_args(Requantization)

IntegerVectors = tuple[NDArray[np.int32], NDArray[np.int16], NDArray[np.uint8]]
"""Bias, multiplier and shift, (out,) each."""

_LARGEST_SHIFT = 46
_MULTIPLIER_BITS = 15
_LARGEST_POWER = 14  # of a multiplier


def fixed_point_factors(factors: Float64Array, name: str) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """Return multipliers, -32767..32767, and shifts, 0..46, with factor = multiplier / 2**shift to 15 bits.

    Factors below 2**-32 have fewer bits: no sum times such a factor comes near an output step.

    Raises
    ------
    ConversionError
        If a factor is beyond 16 bits.
    """
    largest = float(np.abs(factors).max(initial=0.0))
    if largest > 2**_MULTIPLIER_BITS - 1:
        raise ConversionError(f"{name}: expected factors of at most {2**_MULTIPLIER_BITS - 1}, found {largest}")
    _, exponent = np.frexp(factors)
    shift = np.clip(_MULTIPLIER_BITS - exponent, 0, _LARGEST_SHIFT)
    # One bit of the mantissa may be carried into a sixteenth.
    shift -= (np.abs(np.rint(np.ldexp(factors, shift))) == 2**_MULTIPLIER_BITS) & (shift > 0)
    multiplier = np.rint(np.ldexp(factors, shift))
    return multiplier.astype(np.int16), shift.astype(np.uint8)


def power_of_two_factors(factors: Float64Array, name: str) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """Return the powers of two nearest on a logarithmic scale: multipliers +-1, and more above one; 0 stays 0.

    Raises
    ------
    ConversionError
        If a factor is beyond 16 bits.
    """
    power = _nearest_power(np.abs(factors))
    if power.max(initial=0) > _LARGEST_POWER:
        raise ConversionError(f"{name}: expected factors of at most {2**_LARGEST_POWER}, found {np.abs(factors).max()}")
    sign = np.where(power < -_LARGEST_SHIFT, 0, np.sign(factors)).astype(np.int64)
    shift = np.where(sign == 0, 0, np.clip(-power, 0, _LARGEST_SHIFT))
    multiplier = sign * 2 ** np.clip(power, 0, _LARGEST_POWER)
    return multiplier.astype(np.int16), shift.astype(np.uint8)


def quantize_affine_integers(
    weight_scale: Float64Array,
    gain: Float64Array,
    shift: Float64Array,
    output_scale: float,
    bias_limit: NDArray[np.int64],
    requantization: Literal["fixed", "pow2"],
    name: str,
) -> IntegerVectors:
    """Return (bias, multiplier, shift): what `quantize_affine` does, with a factor that integers hold.

    The bias is for the factor as it became, so that rounding it moves no output by a constant.

    Raises
    ------
    ConversionError
        If a factor is beyond 16 bits.
    """
    if requantization == "fixed":
        unit = bounded_unit(weight_scale, gain, shift, bias_limit)
        multiplier, places = fixed_point_factors(unit / output_scale, name)
    else:  # the nearest power of two may be less than the unit: the bias keeps room for that
        unit = bounded_unit(weight_scale, gain, shift, bias_limit // 2)
        multiplier, places = power_of_two_factors(unit / output_scale, name)
    met = np.ldexp(multiplier.astype(np.float64), -places.astype(np.int64)) * output_scale
    bias = np.rint(np.divide(shift, met, out=np.zeros_like(shift), where=met != 0.0))
    return np.clip(bias, -bias_limit, bias_limit).astype(np.int32), multiplier, places


def power_of_two_weight_scale(
    terms: Sequence[Float64Array], gains: Sequence[Float64Array], output_scale: float
) -> Float64Array:
    """Return a weight scale an output channel, (out,), with which every gain * scale / output_scale is a power of two.

    With one gain it is one exactly. Gains that differ from step to step get the scale whose factors miss powers of two
    least, in the square of the logarithm. Of the scales that are a factor of two apart, it is that with the smaller
    square error of the quantized weights: the finer one may clip the largest of them.

    Each term is (out, height, width, in), each gain (out,).
    """
    largest = np.max([np.abs(term).reshape(term.shape[0], -1).max(axis=1) for term in terms], axis=0)
    offset = _common_offset(np.abs(np.stack(gains)) / output_scale)
    # The scales are 2**(power - offset); the coarse one holds every weight.
    coarse = np.ceil(np.log2(np.where(largest > 0.0, largest, 1.0) / 127.0) + offset)
    scales = [np.where(largest > 0.0, np.exp2(coarse - lower - offset), 0.0) for lower in (0, 1)]
    errors = [_square_error(terms, scale) for scale in scales]
    finer: Float64Array = np.where(errors[1] < errors[0], scales[1], scales[0])
    return finer


def power_of_two_errors(factors: Float64Array) -> Float64Array:
    """Return by what share each factor misses the nearest power of two; those that are zero are left out."""
    used = np.abs(factors[factors != 0.0])
    errors: Float64Array = np.abs(np.exp2(_nearest_power(used).astype(np.float64)) / used - 1.0)
    return errors


def _nearest_power(values: Float64Array) -> NDArray[np.int64]:
    """On the logarithmic scale; a power far below all others for 0."""
    logarithms = np.log2(values, out=np.full(values.shape, -1000.0), where=values > 0.0)
    powers: NDArray[np.int64] = np.rint(logarithms).astype(np.int64)
    return powers


def _common_offset(ratios: Float64Array) -> Float64Array:
    """Return x, (out,), for which log2(ratio) - x is nearest to integers over all (steps, out) that are not zero.

    Fractions lie on a circle: the best point is the mean of them, once those before some cut are moved up by one.
    """
    steps = len(ratios)
    logarithms = np.log2(ratios, out=np.full(ratios.shape, np.nan), where=ratios > 0.0)
    fractions = np.sort(np.mod(logarithms, 1.0), axis=0)  # not a number comes last
    best, offset = np.full(ratios.shape[1], np.inf), np.zeros(ratios.shape[1])
    with np.errstate(invalid="ignore", divide="ignore"):
        count = np.count_nonzero(ratios > 0.0, axis=0)
        for cut in range(steps):
            moved = fractions + (np.arange(steps) < cut)[:, None]
            mean = np.nansum(moved, axis=0) / count
            spread = np.nansum((moved - mean) ** 2, axis=0)
            is_better = (spread < best) & (count > 0)
            best, offset = np.where(is_better, spread, best), np.where(is_better, mean, offset)
    return offset


def _square_error(terms: Sequence[Float64Array], scale: Float64Array) -> Float64Array:
    quantized = quantize_weights(terms, scale)
    error = np.zeros(len(scale))
    for term, weights in zip(terms, quantized.weights, strict=True):
        error += ((weights * scale[:, None, None, None] - term) ** 2).sum(axis=(1, 2, 3))
    return error
