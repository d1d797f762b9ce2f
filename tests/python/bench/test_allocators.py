"""The allocators that the planner is compared with. No time decides a test."""

from __future__ import annotations

import numpy as np
import pytest

from itrt.bench.allocators import ALLOCATORS, Instance, best_fit_by_birth, greedy_by_size, measure, random_instances
from itrt.errors import VerificationError


def test_greedy_places_the_largest_first() -> None:
    rows = np.array([(0, 2, 10), (1, 3, 20)], np.int64)
    assert greedy_by_size(rows).tolist() == [20, 0]


def test_best_fit_takes_the_smallest_hole_in_order_of_birth() -> None:
    # Holes of 5 and 3 bytes are left when the first and the third have died; 3 bytes go into the smaller one.
    rows = np.array([(0, 2, 5), (0, 9, 1), (0, 2, 3), (0, 9, 1), (2, 4, 3), (3, 5, 5), (3, 4, 1)], np.int64)
    assert best_fit_by_birth(rows).tolist() == [0, 5, 6, 9, 6, 0, 10]


def test_random_instances_follow_the_seed_and_fit_exactly() -> None:
    first = list(random_instances(3))
    again, other = list(random_instances(3)), list(random_instances(4))
    for a, b, c in zip(first, again, other, strict=True):
        assert np.array_equal(a.rows, b.rows)
        assert not np.array_equal(a.rows, c.rows)
        steps = np.arange(1000)[:, None]
        living = (a.rows[:, 0] <= steps) & (steps < a.rows[:, 1])
        assert ((living * a.rows[:, 2]).sum(axis=1) == a.capacity).all()


def test_a_row_has_everything() -> None:
    instance = next(random_instances(0))
    row = measure(instance, shuffle=2, time_limit=0.05)
    assert row.buffers == len(instance.rows)
    assert row.lower_bound == instance.capacity
    assert set(row.others) == set(ALLOCATORS)
    assert all(peak >= row.lower_bound for peak in (row.peak, *row.others.values()))
    assert row.peak <= row.others["greedy by size"]
    assert row.others["hill climb"] <= row.others["greedy by size"]
    assert row.proven == (row.peak == row.lower_bound)


def test_a_colliding_layout_is_no_result(monkeypatch) -> None:
    monkeypatch.setitem(ALLOCATORS, "broken", lambda rows: np.zeros(len(rows), np.int64))
    with pytest.raises(VerificationError, match="broken: .*overlaps"):
        measure(Instance("two", np.array([(0, 2, 1), (1, 3, 1)], np.int64)), 0, 0.05)
