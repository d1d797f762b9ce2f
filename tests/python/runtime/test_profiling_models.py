"""Model.profile: every operator of a run, what it costs, and how long it took."""

import numpy as np
import pytest

import itrt
from itrt.errors import InvalidArgumentError
from itrt.format import to_bytes
from itrt.format.costs import operator_costs, tensor_sizes
from reference.programs import Choices, random_program
from reference.small_program import small_program

BLOCK = ["join", "down", "rise", "mix", "state"]


def test_rows_are_the_operators_in_the_order_of_execution(limited: itrt.Model, image: np.ndarray) -> None:
    profile = limited.profile(image, 3, repeats=2)
    assert [(row.section, row.step, row.operator) for row in profile.rows] == [
        ("stem", None, "image"),
        ("stem", None, "stem"),
        ("stem", None, "first"),
        *(("block", step, name) for step in range(3) for name in BLOCK),
        ("head", 2, "head"),
        ("labels", 2, "labels"),
    ]
    kinds = {row.operator: row.kind for row in profile.rows}
    assert kinds == {
        "image": "copy",
        "stem": "convolution",
        "first": "add",
        "join": "convolution",
        "down": "convolution",
        "rise": "resize",
        "mix": "convolution",
        "state": "copy",
        "head": "convolution",
        "labels": "labels",
    }
    assert (profile.model, profile.height, profile.width) == ("small", *image.shape[:2])
    assert (profile.iterations, profile.threads, profile.isa, profile.repeats) == (3, 2, limited.isa, 2)


def test_shapes_and_macs_are_those_of_the_file(limited: itrt.Model, image: np.ndarray) -> None:
    program = small_program(3)
    sizes = tensor_sizes(program, *image.shape[:2])
    operators = {operator.name: operator for operator in (*program.stem, *program.block, *program.head)}
    rows = limited.profile(image, 1, repeats=1).rows
    assert rows[0].shape == image.shape
    assert rows[-1].shape == (*image.shape[:2], 1)
    for row in rows:
        if row.operator in operators:
            operator = operators[row.operator]
            assert row.shape == (*sizes[operator.output], program.tensors[operator.output].channels)
            assert row.macs == operator_costs(operator, sizes).macs
        else:
            assert row.macs == 0
    assert {row.shape for row in rows if row.operator == "state"} == {(*sizes[program.state or 0], 8)}


def test_times_are_positive_and_add_up(limited: itrt.Model, image: np.ndarray) -> None:
    profile = limited.profile(image, repeats=3)
    assert profile.iterations == limited.iterations
    for row in profile.rows:
        assert row.milliseconds > 0 or row.kind == "copy"
        assert (row.gmacs_per_second > 0) == (row.macs > 0)
    assert 0 < profile.convolution_milliseconds < profile.milliseconds
    assert profile.milliseconds == pytest.approx(sum(row.milliseconds for row in profile.rows))


def test_totals_add_the_iterations_up(limited: itrt.Model, image: np.ndarray) -> None:
    profile = limited.profile(image, 3, repeats=1)
    totals = profile.totals()
    assert [row.operator for row in totals] == ["image", "stem", "first", *BLOCK, "head", "labels"]
    assert {row.operator: row.executions for row in totals} == {
        row.operator: 3 if row.section == "block" else 1 for row in totals
    }
    assert sum(row.macs for row in totals) == profile.macs
    assert sum(row.milliseconds for row in totals) == pytest.approx(profile.milliseconds)
    mix = [row for row in profile.rows if row.operator == "mix"]
    (total,) = [row for row in totals if row.operator == "mix"]
    assert total.macs == 3 * mix[0].macs
    assert total.milliseconds == pytest.approx(sum(row.milliseconds for row in mix))


def test_a_network_without_a_loop_has_no_block(image: np.ndarray) -> None:
    model = itrt.load(to_bytes(random_program(2, Choices(loop=False))))
    assert {row.section for row in model.profile(image, repeats=1).rows} == {"stem", "head", "labels"}


def test_profiling_changes_no_answer(limited: itrt.Model, image: np.ndarray) -> None:
    before = limited.run(image).labels
    limited.profile(255 - image, repeats=1)
    np.testing.assert_array_equal(limited.run(image).labels, before)


@pytest.mark.parametrize("repeats", [0, -1, 1.5, True])
def test_wrong_repeats(limited: itrt.Model, image: np.ndarray, repeats: object) -> None:
    with pytest.raises(InvalidArgumentError, match="repeats: expected"):
        limited.profile(image, repeats=repeats)  # type: ignore[arg-type]


def test_wrong_iterations_and_images(limited: itrt.Model, image: np.ndarray) -> None:
    with pytest.raises(InvalidArgumentError, match="iterations: expected 1 to 3, found 4"):
        limited.profile(image, 4)
    with pytest.raises(InvalidArgumentError, match="image: expected"):
        limited.profile(image[:, :, :2])
