"""Ticks are round, in order, and inside."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from itrt.planner.report.axes import byte_ticks, size_label, size_ticks, ticks

SIZES = st.integers(1, 2**50)


@given(SIZES)
def test_ticks_of_bytes(top: int) -> None:
    found = byte_ticks(top)
    assert found[0] == 0
    assert found[-1] <= top
    assert len(found) <= 9
    steps = {b - a for a, b in pairwise(found)}
    assert len(steps) <= 1
    assert all(step & (step - 1) == 0 for step in steps)


@given(st.floats(1e-9, 1e12))
def test_ticks_of_costs(top: float) -> None:
    found = ticks(top)
    assert found[0] == 0
    assert found == sorted(found)
    assert found[-1] <= top * (1 + 1e-6)
    assert 2 <= len(found) <= 7


@given(SIZES, SIZES)
def test_ticks_of_sizes(one: int, other: int) -> None:
    low, high = sorted((one, other))
    found = size_ticks(low, high)
    assert found == sorted(found)
    assert low <= found[0] <= found[-1] <= high


def test_nothing_to_show() -> None:
    assert ticks(0.0) == [0.0]


def test_labels_have_no_empty_fraction() -> None:
    assert [size_label(size) for size in (0, 512, 384 << 10, 2 << 20, 3 << 19)] == [
        "0",
        "512 B",
        "384 KiB",
        "2 MiB",
        "1.5 MiB",
    ]
