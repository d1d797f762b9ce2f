"""itrt.planner.allocate: valid, consistent, typed errors. The solver itself is tested in C++."""

from __future__ import annotations

import itertools
import os
import signal
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from itrt._core import plan
from itrt.errors import InvalidArgumentError
from itrt.planner import Allocation, allocate

row = st.tuples(st.integers(0, 12), st.integers(0, 6), st.integers(0, 9)).map(lambda t: (t[0], t[0] + t[1], t[2]))


def assert_valid(rows: list[tuple[int, int, int]], found: Allocation, alignment: int = 1) -> None:
    """Byte by byte: no step has two owners of one."""
    owners: dict[tuple[int, int], int] = {}
    for index, ((lower, upper, size), offset) in enumerate(zip(rows, found.offsets.tolist(), strict=True)):
        assert offset % alignment == 0
        assert offset >= 0
        for place in itertools.product(range(lower, upper), range(offset, offset + size)):
            assert owners.setdefault(place, index) == index
            assert place[1] < found.peak


def lowest_peak(rows: list[tuple[int, int, int]]) -> int:
    """The optimum: some order of placing every buffer as low as possible gives it."""
    pieces = np.array([[i, lower, upper, 0, size] for i, (lower, upper, size) in enumerate(rows)], np.int64)
    alignments = np.ones(len(rows), np.int64)
    orders = itertools.permutations(range(len(rows)))
    return min(plan.place_in_order(pieces, alignments, list(order))[1] for order in orders)


@settings(deadline=None)
@given(st.lists(row, max_size=30), st.sampled_from([1, 2, 3, 64]))
def test_allocations_are_valid(rows: list[tuple[int, int, int]], alignment: int) -> None:
    found = allocate(rows, alignment=alignment)
    assert_valid(rows, found, alignment)
    assert found.lower_bound <= found.peak
    assert found.proven == (found.lower_bound == found.peak)
    assert found.fits is None


@settings(deadline=None)
@given(st.lists(row, min_size=1, max_size=5))
def test_small_ones_are_optimal(rows: list[tuple[int, int, int]]) -> None:
    found = allocate(rows, work_limit=100_000)
    assert found.proven
    assert found.peak == lowest_peak(rows)
    for capacity in range(max(found.peak - 1, 0), found.peak + 2):
        assert allocate(rows, capacity, work_limit=100_000).fits is (capacity >= found.peak)


@settings(deadline=None)
@given(st.lists(row, max_size=40), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_change_what_is_proven(rows: list[tuple[int, int, int]], random) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)
    first, second = allocate(rows, work_limit=20_000), allocate(shuffled, work_limit=20_000)
    assert max(first.lower_bound, second.lower_bound) <= min(first.peak, second.peak)


def test_of_nothing() -> None:
    found = allocate([])
    assert found.offsets.shape == (0,)
    assert (found.peak, found.lower_bound, found.proven) == (0, 0, True)
    assert allocate(np.empty((0, 3), np.int64), capacity=0).fits is True


def test_arrays_and_sequences_are_the_same() -> None:
    rows = [(0, 4, 10), (1, 3, 20), (2, 6, 5)]
    expected = allocate(rows).offsets
    for array in (np.array(rows, np.int32), np.array(rows, np.uint8), np.asfortranarray(np.array(rows, np.int64))):
        assert np.array_equal(allocate(array).offsets, expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"buffers": [(0, 1)]}, "expected rows"),
        ({"buffers": [(0, 1, 2), (0, 1)]}, "expected rows"),
        ({"buffers": [(0, 1, 2.5)]}, "expected integers"),
        ({"buffers": [(0, 1, 2**63)]}, "2\\^63|64 bits"),
        ({"buffers": [(0, 1, 2**70)]}, "64 bits"),
        ({"buffers": [(0, 1, 2**62), (0, 1, 2**62)]}, "buffer 0: size: .*2\\^62"),
        ({"buffers": [(0, 1, 1), (2, 1, 5)]}, "buffer 1: lifetime: .* 2, found 1"),
        ({"buffers": [(0, 1, -5)]}, "buffer 0: size: expected 0 or more, found -5"),
        ({"buffers": [], "alignment": 0}, "alignment: expected 1 .*, found 0"),
        ({"buffers": [], "capacity": -1}, "capacity: expected 0 .*, found -1"),
        ({"buffers": [], "work_limit": -1}, "work_limit: expected 0 .*, found -1"),
        ({"buffers": [], "time_limit": float("nan")}, "time_limit: .* found nan"),
        ({"buffers": [], "time_limit": -1}, "time_limit: .* found -1"),
    ],
)
def test_bad_arguments(arguments: dict, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        allocate(**arguments)


def hard_rows(count: int = 2000) -> np.ndarray:
    """Not solved to the end in any time that a test has."""
    random = np.random.default_rng(5)
    lower = random.integers(0, 100, count)
    return np.stack([lower, lower + random.integers(1, 60, count), random.integers(1, 100_000, count)], axis=1)


def test_a_time_limit_ends_it() -> None:
    found = allocate(hard_rows(), time_limit=0.05)
    assert found.lower_bound <= found.peak
    assert not found.proven


def test_control_c_keeps_the_best() -> None:
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        found = allocate(hard_rows(), time_limit=60)
    finally:
        timer.join()
    assert not found.proven


def test_other_signals_raise_what_their_handler_raises() -> None:
    def handler(number: int, frame: object) -> None:
        raise RuntimeError("a handler's own")

    before = signal.signal(signal.SIGUSR1, handler)
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGUSR1))
    timer.start()
    try:
        with pytest.raises(RuntimeError, match="a handler's own"):
            allocate(hard_rows(), time_limit=60)
    finally:
        timer.join()
        signal.signal(signal.SIGUSR1, before)
