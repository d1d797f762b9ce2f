"""Plans to report on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from itrt import planner
from itrt.planner import Workload
from itrt.planner.planning import Plan
from itrt.planner.schedule import HELD, Group, Halo, Schedule, WeightMode, WeightPlacement, section_range, whole
from reference.plans import naive_plan
from reference.small_program import small_program


@pytest.fixture
def work() -> Workload:
    """The small program at 64x64, 3 iterations."""
    return planner.load_workload(small_program(None), 64, 64, iterations=3, answers=2)


@pytest.fixture
def plan(work: Workload) -> Plan:
    """Everything near, no stripes, half of the capacity free."""
    found = naive_plan(work, planner.load_target("ethos-u65-512"))
    return replace(found, capacity=found.arena_bytes * 3 // 2)


@pytest.fixture
def decided(plan: Plan) -> Plan:
    """A plan in which something of every kind was decided: stripes, weights that are fetched, a tensor moved out."""
    block = section_range(plan.work, "block")
    groups = [*whole(plan.work).groups[: block.start], Group(block.start, block.stop - 1, 4, Halo.RECOMPUTED, passes=2)]
    groups += whole(plan.work).groups[block.stop :]
    weights = list(whole(plan.work).weights)
    weights[block.start], weights[block.start + 1] = HELD, WeightPlacement(WeightMode.SPLIT, 4)
    buffers = list(plan.footprint.buffers)
    writer = block.start
    at = next(i for i, each in enumerate(buffers) if each.kind == "tensor" and each.layer == writer)
    buffers[at] = replace(buffers[at], kind="rows", name=f"{buffers[at].name}: 4 of 16 rows")
    return replace(
        plan,
        schedule=Schedule(tuple(groups), tuple(weights), frozenset({plan.work.image})),
        footprint=replace(plan.footprint, buffers=tuple(buffers)),
    )


@pytest.fixture
def front(plan: Plan) -> list[Plan]:
    """Four plans: the more memory, the fewer bytes, with a knee at the second."""
    found = []
    for memory, far, seconds in ((1000, 9000, 0.9), (2000, 3000, 0.3), (4000, 2500, 0.25), (8000, 2000, 0.2)):
        far_traffic = planner.Traffic(plan.target.roles.far or "", read_bytes=far)
        total = replace(plan.cost.total, seconds=seconds, traffic=(far_traffic,))
        cost = replace(plan.cost, total=total)
        found.append(replace(plan, footprint=replace(plan.footprint, arena_bytes=memory), cost=cost))
    return found
