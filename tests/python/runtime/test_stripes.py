"""Stripes: the bytes of a run over whole tensors, whatever runs in stripes and however high they are."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import itrt
from itrt import _core
from itrt.errors import InvalidArgumentError
from itrt.execution import ExecutedOperator
from itrt.format import to_bytes
from reference.executor import execute
from reference.programs import Choices, random_image, random_program

ISAS = _core.detected_isas()
SIZES = [(1, 1), (7, 1), (13, 17), (24, 31), (33, 8)]


def cuts_a_fusion(rows: list[ExecutedOperator], first: int, last: int) -> bool:
    return rows[last].fused_into is not None or (first > 0 and rows[first - 1].fused_into is not None)


def random_stripes(model: itrt.Model, rng: np.random.Generator) -> list[itrt.Stripe]:
    """Stripes of some neighbours of every section, of a row to more than there are."""
    stripes = []
    for section in ("stem", "block", "head"):
        rows = [row for row in model.execution() if row.section == section]
        ranges = [
            (first, last)
            for first, last in itertools.combinations_with_replacement(range(len(rows)), 2)
            if not cuts_a_fusion(rows, first, last)
        ]
        if not ranges or rng.random() < 0.2:
            continue
        first, last = ranges[int(rng.integers(len(ranges)))]
        height = int(rng.choice([1, 2, 3, 5, 8, 40]))
        stripes.append(itrt.Stripe(section, rows[first].operator, rows[last].operator, height))
    return stripes


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.sampled_from(SIZES), isa=st.sampled_from(ISAS), threads=st.integers(1, 3))
def test_stripes_give_the_oracles_bytes(seed: int, size: tuple[int, int], isa: str, threads: int) -> None:
    program = random_program(seed, Choices(color_order="RGB"))
    iterations = min(program.max_iterations or 3, 3)
    image = random_image(seed, *size)
    file = to_bytes(program)
    stripes = random_stripes(itrt.load(file), np.random.default_rng(seed))
    model = itrt.load(file, threads=threads, isa=isa, stripes=stripes, hoist=bool(seed % 2))
    expected = execute(program, image, iterations)
    for count in range(1, iterations + 1):
        np.testing.assert_array_equal(model.run(image, count).quantized_logits, expected.logits[count - 1])


@pytest.fixture(scope="module")
def packaged() -> itrt.Model:
    return itrt.load("itnet-camvid", threads=1)


STEM = itrt.Stripe("stem", "stem.stem_half", "state", 8)


def test_stripes_need_less_memory_and_give_the_same_labels(packaged: itrt.Model) -> None:
    image = random_image(1, 180, 240)
    striped = itrt.load("itnet-camvid", threads=1, stripes=[STEM])
    np.testing.assert_array_equal(striped.run(image, 2).quantized_logits, packaged.run(image, 2).quantized_logits)
    assert striped.arena_bytes(1024, 2048) <= packaged.arena_bytes(1024, 2048)
    half = striped.tensor_names[striped._program.operators[0].output]
    assert striped.taps(image, 1, [half]).keys() == {(half, None)}  # taps run without stripes


def test_execution_says_what_runs_in_stripes() -> None:
    model = itrt.load("itnet-camvid", stripes=[STEM])
    assert model.stripes(360, 480) == (STEM,)
    for row in model.execution():
        assert row.stripe == (STEM if row.section == "stem" else None)
    assert all(row.stripe is None for row in itrt.load("itnet-camvid").execution())


def test_automatic_stripes_depend_on_the_size() -> None:
    model = itrt.load("itnet-camvid", threads=1, stripes="auto")
    image = random_image(2, 96, 128)
    expected = itrt.load("itnet-camvid", threads=1).run(image, 2).quantized_logits
    np.testing.assert_array_equal(model.run(image, 2).quantized_logits, expected)
    assert model.stripes(8, 8) == ()
    striped = {row.stripe for row in model.execution(1024, 2048)} - {None}
    assert striped == set(model.stripes(1024, 2048))
    with pytest.raises(InvalidArgumentError, match="execution: expected an image's height and width"):
        model.execution()


@pytest.mark.parametrize(
    ("stripes", "message"),
    [
        ("automatic", "expected None, 'auto' or itrt.Stripe objects, found 'automatic'"),
        (5, "expected None, 'auto' or itrt.Stripe objects, found 5"),
        (["auto"], "expected 'auto' or itrt.Stripe objects, found 'auto'"),
        ([itrt.Stripe("body", "a", "b", 1)], "section of a stripe: expected stem, block or head, found 'body'"),
        ([itrt.Stripe("stem", "nothing", "state", 1)], "stripes of the stem: expected operators .*, found 'nothing'"),
        ([itrt.Stripe("stem", "block.add", "state", 1)], "stripes of the stem: .* found 'block.add'"),
        ([itrt.Stripe("stem", "state", "stem.stem_half", 1)], "a first and a last of its 4 operators, found 3 and 0"),
        ([itrt.Stripe("stem", "state", "state", 0)], "at least 1 row, found 0"),
        ([itrt.Stripe("stem", "state", "state", 1.5)], "rows of a stripe: expected an integer, found 1.5"),
        ([STEM, STEM], "operator 0 of the stem in two"),
        ([itrt.Stripe("block", "block.down_middle", "block.resize", 1)], "both or neither of 'block.resize'"),
    ],
)
def test_wrong_stripes_are_errors(stripes: list[itrt.Stripe], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        itrt.load("itnet-camvid", stripes=stripes)


def test_the_plan_of_two_convolutions() -> None:
    """What planners in Python see: halos kept or computed again."""
    read = _core.RowsRead.convolution(kernel=3, stride=1, padding_top=1, dilation=1)
    tensors = [(10, True), (10, False), (10, True)]
    operators = [(1, [(0, read)]), (2, [(1, read)])]
    kept = _core.plan_stripes(tensors, operators, rows=5)
    assert kept.computed == [[(0, 6), (0, 5)], [(6, 10), (5, 10)]]
    assert (kept.buffer_rows, kept.recomputed_rows) == ([10, 6, 10], 0)
    again = _core.plan_stripes(tensors, operators, rows=5, recompute=True)
    assert again.computed == [[(0, 6), (0, 5)], [(4, 10), (5, 10)]]
    assert again.recomputed_rows == 2
