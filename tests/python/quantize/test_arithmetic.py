"""Scale arithmetic: ranges to scales, weights to s8, gains and shifts to (bias, scale)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from itrt.errors import ConversionError
from itrt.quantize import (
    activation_parameters,
    fixed_point,
    largest_bias,
    quantize_affine,
    quantize_value,
    quantize_weights,
    short_scales,
)


@settings(deadline=None)
@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_zero_is_exact_and_the_range_is_covered(first: float, second: float) -> None:
    lower, upper = min(first, second, 0.0), max(first, second, 0.0)
    parameters = activation_parameters(lower, upper)
    assert 0 <= parameters.zero_point <= 255
    assert parameters.scale == float(np.float32(parameters.scale)) > 0
    step = parameters.scale
    assert (0 - parameters.zero_point) * step <= lower + 0.51 * step
    assert (255 - parameters.zero_point) * step >= upper - 0.51 * step


def test_a_relus_range_has_zero_point_0() -> None:
    assert activation_parameters(0.0, 5.1).zero_point == 0
    assert activation_parameters(1.0, 5.1) == activation_parameters(0.0, 5.1)


def test_an_empty_range_and_a_tiny_one_have_a_positive_scale() -> None:
    assert activation_parameters(0.0, 0.0).scale == 1.0
    assert activation_parameters(0.0, 1e-44).scale > 0.0


def test_values_are_stored_to_the_nearest() -> None:
    parameters = activation_parameters(-1.0, 1.55)  # steps of 0.01, zero at 100
    assert [quantize_value(value, parameters) for value in (0.0, -1.0, 0.5, 99.0)] == [100, 0, 150, 255]
    assert [quantize_value(value, parameters) for value in (-np.inf, np.inf)] == [0, 255]


def test_terms_share_one_scale_a_channel() -> None:
    generator = np.random.default_rng(0)
    terms = [generator.normal(0, 1, (4, 3, 3, 5)), generator.normal(0, 20, (4, 1, 1, 2))]
    terms[0][2] = terms[1][2] = 0.0
    quantized = quantize_weights(terms)
    for term, weights in zip(terms, quantized.weights, strict=True):
        assert weights.dtype == np.int8
        assert weights.min() >= -127
        restored = weights * quantized.scale[:, None, None, None]
        assert np.abs(restored - term).max() <= quantized.scale.max() / 2 + 1e-12
    assert quantized.scale[2] == 0.0
    largest = np.abs(np.concatenate([weights.reshape(4, -1) for weights in quantized.weights], axis=1)).max(axis=1)
    assert largest.tolist() == [
        127,
        127,
        0,
        127,
    ]


def test_bias_and_scale_reproduce_gain_and_shift() -> None:
    weight_scale = np.array([0.01, 0.02, 0.01, 0.03])
    gain, shift = np.array([1.5, -0.7, 0.0, 1e-12]), np.array([0.4, -3.0, 2.0, -5.0])
    limit = np.full(4, 2**30)
    bias, scale = quantize_affine(weight_scale, gain, shift, 0.05, limit)
    assert bias.dtype == np.int32
    assert scale.dtype == np.float32
    for accumulator in (-50_000, 0, 70_000):
        found = (accumulator + bias) * scale.astype(np.float64)
        expected = (gain * weight_scale * accumulator + shift) / 0.05
        rounding = np.abs(gain * weight_scale) / 0.05 / 2  # the bias is a whole number
        assert (np.abs(found - expected) < rounding + 0.01).all()
    assert np.abs(bias).max() <= 2**30


def test_a_channel_without_gain_and_shift_stays_zero() -> None:
    bias, scale = quantize_affine(np.array([0.0]), np.array([0.0]), np.array([0.0]), 1.0, np.array([100]))
    assert bias[0] == 0
    assert np.isfinite(scale[0])


def test_the_bias_leaves_room_for_every_partial_sum() -> None:
    weights = np.full((1, 3, 3, 512), 127, np.int8)
    room = int(largest_bias([weights], "layer")[0])
    magnitude = int(np.abs(weights.astype(np.int64)).sum())
    assert room + 255 * magnitude + 255 * magnitude < 2**31
    with pytest.raises(ConversionError, match=r"layer: expected a kernel .* 31-bit"):
        largest_bias([weights] * 8, "layer")


@settings(deadline=None)
@given(st.lists(st.floats(-3e4, 3e4), min_size=1, max_size=4))
def test_fixed_point_meets_factors_to_a_step_of_the_largest(factors: list[float]) -> None:
    multipliers, shift = fixed_point(factors, "sum")
    assert 0 <= shift <= 28
    assert max(abs(multiplier) for multiplier in multipliers) <= 32767
    largest = max(abs(factor) for factor in factors)
    step = max(largest / 16383, 2.0**-28)  # the largest multiplier has at least 15 bits, but for tiny factors
    for factor, multiplier in zip(factors, multipliers, strict=True):
        assert abs(factor - multiplier * 2.0**-shift) <= step / 2 * (1 + 1e-9) or largest > 16383


def test_fixed_point_names_an_addition_whose_factors_are_too_large() -> None:
    with pytest.raises(ConversionError, match=r"sum: expected factors of at most 32767, found 40000"):
        fixed_point([1.0, 40000.0], "sum")


@settings(deadline=None)
@given(st.floats(1e-30, 1e30))
def test_products_of_short_scales_with_the_offset_of_sums_are_exact(scale: float) -> None:
    (short,) = short_scales(np.array([scale]))
    assert abs(float(short) - scale) <= scale * 2.0**-22
    exact = float(short) * 1.5 * 2.0**23
    assert float(np.float32(exact)) == exact
