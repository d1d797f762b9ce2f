"""Factors as multipliers and shifts, and weight scales that make powers of two of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from itrt.errors import ConversionError
from itrt.quantize import (
    power_of_two_errors,
    power_of_two_weight_scale,
    quantize_affine,
    quantize_affine_integers,
    quantize_weights,
)
from itrt.quantize.requantization import fixed_point_factors, power_of_two_factors


def values_of(multiplier: np.ndarray, shift: np.ndarray) -> np.ndarray:
    return multiplier.astype(np.float64) * 2.0 ** -shift.astype(np.float64)


factors = st.floats(2.0**-46, 32767.0) | st.floats(-32767.0, -(2.0**-46))


@settings(deadline=None)
@given(st.lists(factors, min_size=1, max_size=8))
def test_fixed_point_meets_a_factor_to_15_bits(wanted: list[float]) -> None:
    multiplier, shift = fixed_point_factors(np.array(wanted), "layer")
    assert (multiplier.dtype, shift.dtype) == (np.int16, np.uint8)
    assert np.abs(multiplier.astype(int)).max() <= 32767
    assert shift.max() <= 46
    # Half of a unit of 15 bits, or of the smallest unit that there is.
    allowed = np.maximum(np.abs(wanted) * 2.0**-15, 2.0**-47)
    assert (np.abs(values_of(multiplier, shift) - wanted) <= allowed * 1.5).all()


@pytest.mark.parametrize("factor", [32767.0, 32766.7, 1 - 2.0**-20, 2.0**-46, 0.0])
def test_fixed_point_at_its_limits(factor: float) -> None:
    multiplier, shift = fixed_point_factors(np.array([factor]), "layer")
    assert values_of(multiplier, shift)[0] == pytest.approx(factor, rel=2.0**-15)


def test_factors_that_are_too_large_name_the_layer() -> None:
    with pytest.raises(ConversionError, match=r"mix: expected factors of at most 32767, found 40000"):
        fixed_point_factors(np.array([1.0, -40000.0]), "mix")
    with pytest.raises(ConversionError, match=r"mix: expected factors of at most 16384, found 30000"):
        power_of_two_factors(np.array([1.0, 30000.0]), "mix")


@settings(deadline=None)
@given(st.lists(st.floats(2.0**-46, 16384.0), min_size=1, max_size=8), st.sampled_from([1.0, -1.0]))
def test_powers_of_two_are_the_nearest_on_a_logarithmic_scale(wanted: list[float], sign: float) -> None:
    multiplier, shift = power_of_two_factors(sign * np.array(wanted), "layer")
    found = values_of(multiplier, shift)
    assert (np.log2(np.abs(found)) % 1 == 0).all()
    assert (np.sign(found) == sign).all()
    assert (np.abs(np.log2(np.abs(found) / wanted)) <= 0.5 + 1e-9).all()
    assert (np.abs(multiplier[np.abs(found) <= 1]) == 1).all()  # a shift alone


def test_a_factor_of_zero_stays_zero() -> None:
    for choose in (fixed_point_factors, power_of_two_factors):
        multiplier, shift = choose(np.array([0.0, 1e-30]), "layer")
        assert multiplier.tolist() == [0, 0]
        assert shift.max() <= 46


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_one_gain_becomes_a_power_of_two_exactly(seed: int) -> None:
    rng = np.random.default_rng(seed)
    terms = [rng.normal(0, 0.1, (6, 3, 3, 4)), rng.normal(0, 1, (6, 1, 1, 2))]
    terms[0][2] = terms[1][2] = 0.0
    gain = rng.uniform(-2, 2, 6)
    gain[4] = 0.0
    scale = power_of_two_weight_scale(terms, [gain], 0.037)
    assert scale[2] == 0.0
    assert power_of_two_errors(gain * scale / 0.037).max() < 1e-12
    finest = quantize_weights(terms).scale
    used = scale > 0
    # At most a bit coarser, and never so fine that most of the largest weight is clipped.
    assert (scale[used] < finest[used] * 2.0001).all()
    assert (scale[used] > finest[used] * 0.4999).all()


def test_gains_that_are_powers_of_two_apart_become_powers_of_two() -> None:
    rng = np.random.default_rng(1)
    terms = [rng.normal(0, 0.1, (5, 3, 3, 4))]
    gain = rng.uniform(0.5, 2, 5)
    gains = [gain, -gain / 4, gain * 2]
    scale = power_of_two_weight_scale(terms, gains, 0.02)
    assert power_of_two_errors(np.stack(gains) * scale / 0.02).max() < 1e-12


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 5))
def test_no_other_scale_brings_several_gains_nearer_to_powers_of_two(seed: int, steps: int) -> None:
    rng = np.random.default_rng(seed)
    terms = [rng.normal(0, 0.1, (3, 1, 1, 4))]
    gains = rng.uniform(0.1, 3.0, (steps, 3))

    def miss(scale: np.ndarray) -> np.ndarray:
        logarithms = np.log2(gains * scale)
        return ((logarithms - np.rint(logarithms)) ** 2).sum(axis=0)

    best = miss(power_of_two_weight_scale(terms, list(gains), 1.0))
    for offset in np.linspace(0, 1, 101):
        assert (best <= miss(np.full(3, 2.0**offset)) + 1e-9).all()


@pytest.mark.parametrize("requantization", ["fixed", "pow2"])
def test_the_bias_is_for_the_factor_that_is_met(requantization: str) -> None:
    """A sum of zero gives the shift, however the factor is rounded."""
    weight_scale = np.array([0.01, 0.02, 0.01, 0.03])
    gain, shift = np.array([1.5, -0.7, 0.0, 1e-12]), np.array([0.4, -3.0, 2.0, -5.0])
    limit = np.full(4, 2**30)
    bias, multiplier, places = quantize_affine_integers(
        weight_scale,
        gain,
        shift,
        0.05,
        limit,
        requantization,  # type: ignore[arg-type]
        "layer",
    )
    factor = values_of(multiplier, places)
    assert (np.abs(bias * factor - shift / 0.05) <= np.abs(factor) / 2 + 1e-9).all()
    assert np.abs(bias).max() <= 2**30
    if requantization == "fixed":
        expected = quantize_affine(weight_scale, gain, shift, 0.05, limit)[1]
        np.testing.assert_allclose(factor[:2], expected[:2], rtol=2.0**-15)
