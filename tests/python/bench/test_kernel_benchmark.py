"""The kernel benchmark's shapes, problems and oracles. No time decides a test."""

from __future__ import annotations

from math import prod
from pathlib import Path

import numpy as np
import pytest

from itrt import kernels
from itrt.bench.kernel_timing import Round, Row, measure_shapes
from itrt.bench.oracles import NaiveOracle, PortableOracle, verify
from itrt.bench.problems import Problem, make_problem
from itrt.bench.shapes import (
    TABLE,
    AddShape,
    ConvolutionShape,
    PointwiseShape,
    PoolShape,
    ResampleShape,
    Shape,
    TermShape,
    matching,
    random_shapes,
)
from itrt.errors import MissingFileError, VerificationError

REFERENCE = Path(__file__).parents[2] / "reference"
ISAS = list(dict.fromkeys(row["isa"] for row in kernels.list()))
POINT = TermShape(1)
SMALL: list[Shape] = [
    ConvolutionShape(8, 12, 9, 11, (TermShape(stride=2),)),
    ConvolutionShape(8, 8, 9, 11, (TermShape(groups=8), POINT)),
    ConvolutionShape(8, 8, 9, 11, (TermShape(groups=2, dilation=2), POINT)),
    ConvolutionShape(8, 8, 9, 11, (TermShape(groups=8, five_point=True), POINT)),
    AddShape(1, 5, 6, 7),
    AddShape(3, 5, 6, 7),
    ResampleShape("resize", 5, 6, 7, 10, 11),
    ResampleShape("labels", 5, 6, 7, 20, 22),
    PoolShape("max", 3, 2, 9, 11, 7),
    PoolShape("average", 3, 1, 9, 11, 7),
    PoolShape("average", None, 1, 5, 7, 70),
    PointwiseShape("lookup", 5, 6, 7),
    PointwiseShape("multiply", 5, 6, 7),
]


def names(shapes: list[Shape]) -> list[str]:
    return [shape.name for shape in shapes]


@pytest.mark.parametrize("shape", SMALL, ids=lambda shape: shape.name)
def test_every_kernel_passes_both_oracles(shape: Shape) -> None:
    problem = make_problem(shape, seed=3)
    naive, portable = NaiveOracle(REFERENCE).expected(problem), PortableOracle().expected(problem)
    np.testing.assert_array_equal(naive, portable)
    for isa in ISAS:
        verify(problem.prepare(isa).run(problem.inputs), naive, isa, "naive oracle")
    if shape.operation != "labels":
        assert len(np.unique(naive)) > 20  # not all clamped: a wrong kernel would show


def test_the_table_has_names_of_their_own() -> None:
    assert len({shape.name for shape in TABLE}) == len(TABLE)
    # Grouped terms have kernels of their own, and are convolutions.
    measured = {shape.operation for shape in TABLE} | {"grouped_convolution"}
    assert measured == {row["operation"] for row in kernels.list()}
    assert any(term.groups > 1 for shape in TABLE if isinstance(shape, ConvolutionShape) for term in shape.terms)


@pytest.mark.parametrize("shape", SMALL[:4], ids=lambda shape: shape.name)
def test_what_a_convolution_costs(shape: ConvolutionShape) -> None:
    """Counted in the arrays themselves."""
    problem = make_problem(shape, seed=0)
    output = PortableOracle().expected(problem)
    possible = [np.abs(weight).sum(axis=(0, 3)) > 0 for weight in problem.weights]  # type: ignore[attr-defined]
    weights = sum(
        int(taps.sum()) * weight.shape[0] * weight.shape[3]
        for taps, weight in zip(possible, problem.weights, strict=True)  # type: ignore[attr-defined]
    )
    assert shape.output_shape == output.shape
    assert shape.weights == weights
    assert shape.macs == weights * prod(output.shape[:2])
    assert shape.bytes == problem.inputs[0].size + weights + output.size


@pytest.mark.parametrize("shape", SMALL[4:], ids=lambda shape: shape.name)
def test_the_bytes_of_the_other_operations(shape: Shape) -> None:
    problem = make_problem(shape, seed=0)
    moved = sum(array.nbytes for array in problem.inputs)
    moved += PortableOracle().expected(problem).astype(np.uint8).nbytes
    assert (shape.macs, shape.bytes) == (0, moved)


def test_seeds_give_shapes() -> None:
    shapes = random_shapes(30, seed=1)
    assert shapes == random_shapes(30, seed=1) != random_shapes(30, seed=2)
    assert shapes[:10] == random_shapes(10, seed=1)
    assert len(set(shapes)) > 20
    for shape in shapes:
        assert shape.in_channels % 16 == shape.out_channels % 16 == 0
        assert min(shape.output_shape) > 0


def test_patterns() -> None:
    assert len(matching(TABLE, "")) == len(TABLE)
    assert names(matching(TABLE, "dilation")) == ["3x3 dilation 2 128->128 23x30", "3x3 dilation 12 256->256 33x33"]
    assert names(matching(TABLE, "grouped*+")) == ["grouped (8) 3x3 + 1x1 64->64 90x120"]
    assert matching(TABLE, "nothing") == []


class WrongOracle:
    """Differs from the portable kernel in one byte."""

    name = "wrong oracle"

    def expected(self, problem: Problem) -> np.ndarray:
        result = PortableOracle().expected(problem).copy()
        result[1, 2, 3] ^= 4
        return result


def test_a_kernel_that_is_wrong_is_not_timed() -> None:
    rows: list[Row] = []
    message = r"3x3 s2 8->12 9x11, .*\(portable, threads: 1\): expected the bytes of the wrong oracle, found 1 of 360"
    with pytest.raises(VerificationError, match=message + r" others; at \(1, 2, 3\) expected \d+, found \d+"):
        measure_shapes(SMALL[:1], ["portable"], [1], WrongOracle(), done=rows.append)
    assert rows == []


def test_a_wrong_shape_is_an_error() -> None:
    with pytest.raises(VerificationError, match=r"expected shape \(2,\) \(oracle\), found \(3,\)"):
        verify(np.zeros(3), np.zeros(2), "kernel", "oracle")


def test_rows() -> None:
    rows = measure_shapes(SMALL[:1], ISAS, [1, 2], NaiveOracle(REFERENCE), seconds=0)
    assert [(row.isa, row.threads) for row in rows] == [(isa, threads) for isa in ISAS for threads in (1, 2)]
    for row in rows:
        assert row.verified_by == "naive oracle"
        assert row.kernel in {known["name"] for known in kernels.list() if known["operation"] == "convolution"}
        assert (row.peak is None) == (row.isa == "portable")
    (portable,) = measure_shapes(SMALL[:1], ["portable"], [1], PortableOracle(), seconds=0)
    assert portable.verified_by is None  # it is the oracle


def test_shares_belong_to_the_peak_of_their_own_round() -> None:
    shape = ConvolutionShape(10, 10, 10, 10, (POINT,))  # 10,000 multiply-accumulates
    slow, fast = Round(2e-6, 1e-6, 2e10), Round(1e-6, 0.5e-6, 4e10)
    row = Row(shape, "isa", 1, "kernel", None, 1, (slow, fast, fast))
    assert row.seconds == 1e-6
    assert row.best_seconds == 0.5e-6
    assert row.peak == 4e10
    assert row.share == pytest.approx(0.25)  # 5e9 of 2e10, 1e10 of 4e10
    assert row.best_share == pytest.approx(0.5)
    json = row.as_json()
    assert json["gmacs_a_second"] == pytest.approx(10)
    assert json["nanoseconds"] == pytest.approx(1000)
    without = Row(shape, "portable", 1, "kernel", None, 1, (Round(1e-6, 1e-6, None),))
    assert (without.peak, without.share, without.best_share) == (None, None, None)


def test_the_naive_oracle_needs_its_file(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"expected the naive oracles \(operators.py\), found none"):
        NaiveOracle(tmp_path)
