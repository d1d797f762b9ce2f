"""Plans: what they promise can be executed, costs no more in more memory, and is what the runtime allocates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import itrt
from itrt import _core, planner
from itrt.errors import InvalidArgumentError
from itrt.format import write
from itrt.format.container import to_bytes
from itrt.planner import Accelerator, Compute, DoesNotFitError, Memory, Roles, WeightMode
from reference.programs import random_program
from reference.schedules import check
from reference.small_program import small_program

NEAR = Memory("near", "sram", 2**20, 4e9, 4e9)
FAR = Memory("far", "dram", None, 1e9, 1e9)
DEVICE = Accelerator(
    "device", "for tests", {"near": NEAR, "far": FAR}, Roles("near", "near", "far"), Compute(1e9, {"int8": 64})
)
PACKAGED = Path(itrt.__file__).parent / "models" / "itnet-camvid.itrt"
SMALL = to_bytes(small_program(4))  # a search over spills takes as long as there are layers


def file_of(directory: Path, seed: int) -> tuple[bytes, int]:
    """A random program's file, and iterations that it can run."""
    program = random_program(seed)
    path = directory / f"{seed}.itrt"
    write(program, path)
    return path.read_bytes(), min(3, program.max_iterations or 3)


@settings(max_examples=15, deadline=None, phases=(Phase.reuse, Phase.generate))
@given(seed=st.integers(0, 300), part=st.floats(0.05, 1.0), data=st.data())
def test_plans_can_be_executed(
    tmp_path_factory: pytest.TempPathFactory, seed: int, part: float, data: st.DataObject
) -> None:
    contents, iterations = file_of(tmp_path_factory.mktemp("program"), seed)
    size = {"height": data.draw(st.integers(24, 40)), "width": data.draw(st.integers(24, 40)), "iterations": iterations}
    overlap = data.draw(st.sampled_from([True, False, None]))
    target = replace(DEVICE, overlap=overlap)
    roomy = planner.plan(contents, target, sram=2**40, **size)
    check(roomy)
    assert all(group.rows is None for group in roomy.schedule.groups)
    sram = max(int(roomy.arena_bytes * part), 1)
    try:
        tight = planner.plan(contents, target, sram=sram, **size)
    except DoesNotFitError as error:
        assert error.smallest is not None
        assert error.smallest > sram
        tight = planner.plan(contents, target, sram=error.smallest, **size)
    check(tight)


def test_a_sweep_is_a_front_from_stripes_and_spills_to_everything() -> None:
    front = planner.sweep(SMALL, DEVICE, height=48, width=64, points=5)
    assert len(front) >= 3
    for plan in front:
        check(plan)
    times = [plan.cost.total.seconds or 0.0 for plan in front]
    assert all(later.arena_bytes > sooner.arena_bytes for sooner, later in pairwise(front))
    figures = [(plan.arena_bytes, plan.far_bytes, plan.macs, time) for plan, time in zip(front, times, strict=True)]
    for one in figures:
        assert not any(other != one and all(a <= b for a, b in zip(other, one, strict=True)) for other in figures)
    smallest, largest = front[0], front[-1]
    assert any(group.rows is not None and group.first != group.last for group in smallest.schedule.groups)
    assert smallest.schedule.spilled
    assert smallest.arena_bytes < largest.arena_bytes / 3
    assert not largest.schedule.spilled
    assert all(placement.mode is WeightMode.RESIDENT for placement in largest.schedule.weights)


def test_resident_weights_are_fetched_once_whatever_the_iterations() -> None:
    def fetched(iterations: int, sram: int) -> int:
        found = planner.plan(SMALL, DEVICE, height=16, width=16, sram=sram, iterations=iterations)
        assert not found.schedule.spilled  # so that weights are all that is fetched
        return found.far_bytes

    work = planner.load_workload(SMALL, 16, 16, iterations=4)
    constants = sum(layer.weights.held(4) + layer.vectors.held(4) for layer in work.layers if layer.section == "block")
    others = sum(layer.constant_bytes for layer in work.layers if layer.section != "block")
    assert fetched(4, 2**30) == constants + others
    # Streamed weights are fetched again in every iteration.
    assert fetched(4, 1_200) - fetched(2, 1_200) > fetched(4, 2**30) - fetched(2, 2**30)


def test_does_not_fit_says_what_would() -> None:
    with pytest.raises(DoesNotFitError, match="does not fit: expected at least [0-9]+ bytes") as caught:
        planner.plan(SMALL, DEVICE, height=48, width=64, sram=200)
    assert caught.value.smallest is not None
    assert caught.value.layer in {layer.name for layer in planner.load_workload(SMALL, 48, 64).layers}
    found = planner.plan(SMALL, DEVICE, height=48, width=64, sram=caught.value.smallest)
    check(found)


def test_without_a_far_memory_weights_must_fit_theirs() -> None:
    memories: Mapping[str, Memory] = {"near": NEAR, "store": Memory("store", "sram", 1000)}
    target = replace(DEVICE, memories=memories, roles=Roles("near", "store", None))
    with pytest.raises(DoesNotFitError, match="expected weights that fit into store") as caught:
        planner.plan(PACKAGED, target, height=32, width=32)
    assert caught.value.smallest is None


def test_temporal_stripes_save_traffic() -> None:
    """A pass over the image for two iterations reads features and state half as often."""
    from itrt.planner.footprint import Planner
    from itrt.planner.movement import group_movement
    from itrt.planner.schedule import HELD, Group, section_range

    work = planner.load_workload(PACKAGED, 512, 64)
    found = Planner(_core.Program(PACKAGED.read_bytes(), "portable"), work, DEVICE)
    block = section_range(work, "block")
    assert work.state is not None
    assert work.next_state is not None
    features = {tensor for tensor in found.uses.inputs(block) if tensor != work.state}
    spilled = frozenset({work.state, work.next_state, *features})

    def far(passes: int) -> int:
        moved = group_movement(found, Group(block[0], block[-1], 4, passes=passes), [HELD] * len(block), spilled)
        return sum(each.bytes for layer in moved for each in layer if each.memory == "far")

    assert 0.49 * far(1) < far(2) < 0.51 * far(1)
    lines = [found.rows(Group(block[0], block[-1], 4, passes=passes), spilled) for passes in (1, 2)]
    assert lines[0] is not None
    assert lines[1] is not None
    assert lines[0].line_bytes < lines[1].line_bytes < sum(work.tensors[work.layers[i].output].bytes for i in block)


@pytest.mark.parametrize(("height", "width"), [(360, 480), (97, 131), (64, 64), (33, 1000)])
@pytest.mark.parametrize("name", itrt.packaged_models())
def test_the_cpu_plan_is_what_the_runtime_allocates(name: str, height: int, width: int) -> None:
    path = Path(itrt.__file__).parent / "models" / f"{name}.itrt"
    found = planner.plan(path, "cpu", height=height, width=width)
    rows = [(group.first, group.last, group.rows) for group in found.schedule.groups if group.rows is not None]
    model = itrt.load(name, stripes="auto" if rows else None)
    assert found.arena_bytes == model.arena_bytes(height, width)
    assert "hoisted sums" in {each.name for each in found.footprint.buffers}
    model.run(np.zeros((height, width, 3), np.uint8), iterations=1)
    if not rows:
        session = _core.Session(_core.Program(path.read_bytes(), None), height, width, 1)
        assert found.arena_bytes == session.arena_bytes
    assert found.cost.iteration.seconds is None or found.cost.iteration.seconds > 0


def test_a_small_cache_gets_stripes_or_the_whole_arena() -> None:
    found = planner.plan(PACKAGED, "cpu", height=256, width=256, sram=1)
    assert not found.fits
    assert planner.plan(PACKAGED, "cpu", height=256, width=256, sram=2**40).fits


@pytest.mark.parametrize("sram", [0, -1, 2**63, 1.5, True])
def test_sizes_out_of_range(sram: object) -> None:
    with pytest.raises(InvalidArgumentError, match="sram: expected bytes"):
        planner.plan(PACKAGED, DEVICE, height=32, width=32, sram=sram)  # type: ignore[arg-type]


def test_an_unknown_size_must_be_given() -> None:
    target = replace(DEVICE, memories={"near": replace(NEAR, size=None), "far": FAR})
    with pytest.raises(InvalidArgumentError, match="the size of its memory near is unknown"):
        planner.plan(PACKAGED, target, height=32, width=32)
