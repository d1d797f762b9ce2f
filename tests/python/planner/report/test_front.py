"""Curves of a sweep and their knee."""

from __future__ import annotations

from dataclasses import replace

from itrt.planner.planning import Plan
from itrt.planner.report.front import curves, knee


def with_seconds(front: list[Plan], seconds: list[float | None]) -> list[Plan]:
    return [
        replace(plan, cost=replace(plan.cost, total=replace(plan.cost.total, seconds=value)))
        for plan, value in zip(front, seconds, strict=True)
    ]


def test_time_far_bytes_and_macs(front: list[Plan]) -> None:
    found = {curve.name: curve for curve in curves(front)}
    assert list(found) == ["time of a run", "traffic with dram", "multiply-accumulates"]
    assert found["time of a run"].values == (900.0, 300.0, 250.0, 200.0)
    assert found["traffic with dram"].values == (0.009, 0.003, 0.0025, 0.002)


def test_unknown_times_have_no_curve(front: list[Plan]) -> None:
    assert curves(with_seconds(front, [None] * 4))[0].name == "traffic with dram"


def test_the_knee_is_where_cost_stops_falling(front: list[Plan]) -> None:
    assert knee(front) is front[1]
    assert knee(with_seconds(front, [None] * 4)).arena_bytes == 2000  # type: ignore[union-attr]  # by far bytes


def test_a_straight_line_has_no_knee(front: list[Plan]) -> None:
    assert knee(with_seconds(front, [0.5, 0.4, 0.3, 0.2])) is None  # memory doubles from one to the next
    assert knee(with_seconds(front, [0.5, 0.5, 0.5, 0.5])) is None
    assert knee(front[:2]) is None
    assert knee([]) is None


def test_a_larger_memory_may_run_the_plan_of_a_smaller_one(front: list[Plan]) -> None:
    found = curves(with_seconds(front, [0.9, 0.3, 0.5, 0.2]))[0]
    assert found.values == (900.0, 300.0, 500.0, 200.0)
    assert found.lowest == (900.0, 300.0, 300.0, 200.0)
