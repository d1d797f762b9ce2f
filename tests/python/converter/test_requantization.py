"""Conversion to integer requantization: what is in the program, and what the report says of its loss."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from itrt.converter import Conversion, convert
from itrt.errors import InvalidArgumentError
from itrt.format import Constant, Convolution, FixedPoint
from itrt.format.costs import tensor_sizes
from itrt.format.operations import total_operations
from itrt.loading import load
from itrt.quantize import REQUANTIZATIONS
from reference.executor import execute
from reference.networks import MEAN, STD, random_image, tiny_network

IMAGES = [random_image(48, 64, seed=1), random_image(45, 61, seed=2)]


def converted(directory: Path, norms: int) -> dict[str, Conversion]:
    """Conversions that differ in nothing else: each mode by itself might choose another way to quantize."""
    network = tiny_network(2, norms)
    return {
        mode: convert(
            network, directory / f"{mode}.itrt", calibration=IMAGES, mean=MEAN, std=STD,
            equalize="off", correct_bias="on", requantize=mode,
        )
        for mode in REQUANTIZATIONS
    }  # fmt: skip


@pytest.fixture(scope="module")
def shared_norm(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Conversion]:
    return converted(tmp_path_factory.mktemp("shared"), 1)


@pytest.fixture(scope="module")
def norm_a_step(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Conversion]:
    return converted(tmp_path_factory.mktemp("steps"), 2)


def convolutions(conversion: Conversion) -> list[Convolution]:
    program = conversion.program
    return [each for each in (*program.stem, *program.block, *program.head) if isinstance(each, Convolution)]


def factors_of(convolution: Convolution) -> list[np.ndarray]:
    scale = convolution.scale
    if isinstance(scale, Constant):
        return [np.asarray(value, np.float64) for value in scale.values]
    steps = max(len(scale.multiplier.values), len(scale.shift.values))
    return [scale.multiplier.at(step) * 2.0 ** -scale.shift.at(step).astype(float) for step in range(steps)]


def test_fixed_point_has_the_weights_and_nearly_the_factors_of_float(norm_a_step: dict[str, Conversion]) -> None:
    for floating, fixed in zip(*(convolutions(norm_a_step[mode]) for mode in ("float", "fixed")), strict=True):
        assert isinstance(fixed.scale, FixedPoint)
        for term, other in zip(floating.terms, fixed.terms, strict=True):
            np.testing.assert_array_equal(term.weight.at(0), other.weight.at(0))
        assert len(factors_of(floating)) == len(factors_of(fixed))
        for expected, found in zip(factors_of(floating), factors_of(fixed), strict=True):
            used = np.abs(expected) > 2.0**-30
            np.testing.assert_allclose(found[used], expected[used], rtol=2.0**-15)
    assert any(len(factors_of(each)) == 2 for each in convolutions(norm_a_step["fixed"]))


def test_powers_of_two_are_shifts_by_weights_of_their_own(shared_norm: dict[str, Conversion]) -> None:
    for each in convolutions(shared_norm["pow2"]):
        assert isinstance(each.scale, FixedPoint)
        for multiplier in each.scale.multiplier.values:
            assert set(np.abs(multiplier.astype(int)).tolist()) <= {0, 1}
    report = shared_norm["pow2"].parity
    assert report is not None
    assert not any("powers of two" in note for note in report.notes)


@pytest.mark.parametrize("mode", ["fixed", "pow2"])
def test_no_floating_point_is_left(norm_a_step: dict[str, Conversion], mode: str) -> None:
    program, with_scales = norm_a_step[mode].program, norm_a_step["float"].program
    sizes = tensor_sizes(program, 48, 64)
    for section in ("stem", "block", "head"):
        assert total_operations(program, getattr(program, section), sizes).float_operations == 0
        assert total_operations(with_scales, getattr(with_scales, section), sizes).float_operations > 0
    if mode == "pow2":
        assert total_operations(program, convolutions(norm_a_step[mode]), sizes).multiplications == 0


def test_the_runtime_computes_what_the_oracle_computes(norm_a_step: dict[str, Conversion]) -> None:
    for mode in ("fixed", "pow2"):
        conversion = norm_a_step[mode]
        expected = execute(conversion.program, IMAGES[1], 2).tensors
        found = load(conversion.path).taps(IMAGES[1], iterations=2)
        assert all(np.array_equal(found[key], value) for key, value in expected.items())


def test_the_report_says_what_it_costs(shared_norm: dict[str, Conversion]) -> None:
    with_float = shared_norm["float"].parity
    assert with_float is not None
    assert with_float.requantization is None
    logits = shared_norm["float"].program.tensors[shared_norm["float"].program.logits].name
    for mode, lost in (("fixed", 0.2), ("pow2", 6.5)):  # up to a bit of the weights
        report = shared_norm[mode].parity
        assert report is not None
        assert report.requantization is not None
        assert report.requantization.requantization == mode
        assert [row.iteration for row in report.requantization.iterations] == [1, 2]
        for index, row in enumerate(report.requantization.iterations):
            ratios = [[each.snr_db for each in one.tensors if each.tensor == logits] for one in (report, with_float)]
            assert (row.snr_db, row.snr_db_with_float) == (ratios[0][index], ratios[1][index])
            assert row.equal_labels == report.iterations[index].equal_labels
            assert row.equal_labels_with_float == with_float.iterations[index].equal_labels
            assert abs(row.snr_db - row.snr_db_with_float) < lost


def test_gains_a_step_over_one_weight_are_remarked_on(norm_a_step: dict[str, Conversion]) -> None:
    report = norm_a_step["pow2"].parity
    assert report is not None
    (note,) = [note for note in report.notes if "powers of two" in note]
    assert "train for it, or use fixed" in note
    assert note.split(":")[0] in {each.name for each in norm_a_step["pow2"].program.block}


def test_the_mode_is_in_the_file_where_it_is_not_float(shared_norm: dict[str, Conversion]) -> None:
    found = {mode: conversion.program.metadata.get("requantization") for mode, conversion in shared_norm.items()}
    assert found == {"float": None, "fixed": "fixed", "pow2": "pow2"}


def test_another_mode_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="requantize: expected one of float, fixed, pow2, found 'int'"):
        convert(tiny_network(1), tmp_path / "x.itrt", calibration=IMAGES, requantize="int")  # type: ignore[arg-type]
