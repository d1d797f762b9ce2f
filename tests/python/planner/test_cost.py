"""The cost model: a network of two layers worked out by hand, and what unknown figures do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from itrt import planner
from itrt.errors import AcceleratorError, InvalidArgumentError
from itrt.format import Add, Constant, Convolution, Preprocessing, Program, Tensor, Term
from itrt.planner import Accelerator, Compute, Granularity, Memory, RunCost, Traffic, Workload
from itrt.planner.traffic import merged
from reference.programs import random_program


def tiny_program() -> Program:
    """3x3 convolution, a block of a 1x1 convolution and an addition, a 1x1 head; weights are zeros."""

    def convolution(name: str, output: int, source: int, shape: tuple[int, int, int, int], padding: int) -> Convolution:
        term = Term(source, Constant((np.zeros(shape, np.int8),)), padding=(padding,) * 4)  # type: ignore[arg-type]
        bias = Constant((np.zeros(shape[0], np.int32),))
        return Convolution(name, output, (term,), bias, Constant((np.ones(shape[0], np.float32),)))

    channels = (3, 6, 6, 6, 2)
    names = ("image", "state", "mixed", "next", "logits")
    return Program(
        name="tiny",
        iterations=3,
        max_iterations=None,
        tensors=tuple(
            Tensor(name, count, 1.0, (0,) * (3 if name == "image" else 1))
            for name, count in zip(names, channels, strict=True)
        ),
        image=0,
        state=1,
        next_state=3,
        logits=4,
        stem=(convolution("stem", 1, 0, (6, 3, 3, 3), 1),),
        block=(convolution("mix", 2, 1, (6, 1, 1, 6), 0), Add("join", 3, (1, 2), (1, 1), 1)),
        head=(convolution("head", 4, 1, (2, 1, 1, 6), 0),),
        preprocessing=Preprocessing((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
        classes=("a", "b"),
        palette=((0, 0, 0), (1, 1, 1)),
    )


NEAR = Memory("near", "sram", 1000, 100.0, 50.0, 0.5, 0.25, 2.0, 3.0)
FAR = Memory("far", "dram", None, 10.0, 5.0, 1.0, 2.0, 20.0, 30.0)
DEVICE = Accelerator(
    name="device",
    description="figures that are easy to compute with",
    memories={"near": NEAR, "far": FAR},
    roles=planner.Roles("near", "near", "far"),
    compute=Compute(clock=10.0, macs_per_cycle={"int8": 20.0}, energy_per_mac=1.0),
    granularity=Granularity(input_channels=4, output_channels=8, rows=4),
    overlap=True,
)


@pytest.fixture
def work() -> Workload:
    return planner.load_workload(tiny_program(), 5, 4, iterations=3, answers=2)


def resident(work: Workload, device: Accelerator = DEVICE) -> RunCost:
    return planner.estimate_cost(work, device, planner.resident_traffic(work, device))


def test_a_convolution_by_hand(work: Workload) -> None:
    stem = resident(work).layers[0]
    macs = 5 * 4 * 6 * 3 * 3 * 3
    padded = 8 * 4 * 8 * 3 * 3 * 4  # 5 rows take 8, 6 channels 8, 3 input channels 4
    assert stem.cost.macs == macs
    assert stem.cost.compute_cycles == padded / 20
    assert stem.cost.compute_seconds == padded / 200
    assert stem.utilization == macs / padded
    read, written = 5 * 4 * 3 + 6 * 27 + 6 * 4 * 2, 5 * 4 * 6  # image, weights, bias and scale; state
    assert stem.cost.traffic == (Traffic("near", read, written),)
    assert stem.transfer_seconds == {"near": pytest.approx(read / 100 + written / 50)}
    assert stem.cost.seconds == padded / 200  # longer than 5.1 s of transfers
    assert stem.bound == "compute"
    assert stem.cost.energy == pytest.approx(macs * 1.0 + read * 2.0 + written * 3.0)


def test_an_addition_costs_what_it_moves(work: Workload) -> None:
    join = resident(work).layers[2]
    seconds = 2 * 120 / 100 + 120 / 50
    assert join.cost.macs == 0
    assert join.cost.compute_seconds == 0
    assert join.cost.seconds == pytest.approx(seconds)
    assert join.bound == "near"
    assert join.utilization is None


def test_the_run_by_hand(work: Workload) -> None:
    found = resident(work)
    stem, mix, join, head = (layer.cost.seconds or 0 for layer in found.layers)
    assert found.iteration.seconds == pytest.approx(mix + join)
    assert found.total.seconds == pytest.approx(stem + 3 * (mix + join) + 2 * head)
    assert found.total.milliseconds == pytest.approx(1e3 * (found.total.seconds or 0))
    assert found.total.macs == work.macs == 3240 + 3 * 720 + 2 * 240
    block_bytes = (120 + 36 + 48 + 120) + (240 + 120)
    stem_bytes, head_bytes = 60 + 162 + 48 + 120, 120 + 12 + 16 + 40
    assert found.bytes_by_kind(found.iteration) == {"sram": block_bytes}
    assert found.bytes_by_kind() == {"sram": stem_bytes + 3 * block_bytes + 2 * head_bytes}


def test_transfers_wait_for_their_turn_where_nothing_overlaps(work: Workload) -> None:
    for overlap in (False, None):
        found = resident(work, replace(DEVICE, overlap=overlap))
        for layer in found.layers:
            expected = (layer.cost.compute_seconds or 0) + (layer.transfer_seconds["near"] or 0)
            assert layer.cost.seconds == layer.cost.sequential_seconds == pytest.approx(expected)


def test_weights_that_stream_from_far(work: Workload) -> None:
    traffic = planner.placed_traffic(work, dict.fromkeys(range(5), "near"), ["far"] * 4)
    device = replace(DEVICE, memories={"near": NEAR, "far": replace(FAR, read_bandwidth=4.0)})
    found = planner.estimate_cost(work, device, traffic)
    mix = found.layers[1]
    assert mix.cost.compute_seconds == 8 * 4 * 8 * 8 / 200  # 10.24
    assert mix.transfer_seconds == {"near": pytest.approx(120 / 100 + 120 / 50), "far": pytest.approx(84 / 4)}
    assert mix.bound == "far"
    assert mix.cost.seconds == pytest.approx(21.0)
    assert found.bytes_by_kind()["dram"] == 210 + 3 * 84 + 2 * 28


def test_what_is_loaded_once(work: Workload) -> None:
    traffic = planner.resident_traffic(work, DEVICE)
    setup = [Traffic("far", read_bytes=322), Traffic("near", written_bytes=322)]
    found = planner.estimate_cost(work, DEVICE, traffic, setup)
    assert found.setup.seconds == pytest.approx(322 / 10)  # far is slower, and they overlap
    assert found.total.seconds == pytest.approx((resident(work).total.seconds or 0) + 322 / 10)
    assert found.bytes_by_kind()["dram"] == 322


def test_waiting_transfers_take_the_latency(work: Workload) -> None:
    moved = [[Traffic("far", 10, 10, waiting_reads=3, waiting_writes=2)]] + [[]] * 3
    layer = planner.estimate_cost(work, DEVICE, moved).layers[0]
    assert layer.transfer_seconds == {"far": pytest.approx(10 / 10 + 10 / 5 + 3 * 1.0 + 2 * 2.0)}


def test_groups_are_padded_one_by_one() -> None:
    program = tiny_program()
    stem, (mix, join), head = program.stem, program.block, program.head
    assert isinstance(mix, Convolution)
    depthwise = replace(mix.terms[0], weight=Constant((np.zeros((6, 1, 1, 1), np.int8),)), groups=6)
    grouped = replace(program, stem=stem, block=(replace(mix, terms=(depthwise,)), join), head=head)
    layer = resident(planner.load_workload(grouped, 4, 4)).layers[1]
    assert layer.cost.macs == 4 * 4 * 6
    assert layer.cost.compute_cycles == 4 * 4 * 6 * (8 * 4) / 20
    assert layer.utilization == 1 / 32


def test_end_to_end_energy_has_the_memories_in_it(work: Workload) -> None:
    device = replace(DEVICE, compute=replace(DEVICE.compute, energy_includes_memory=True, energy_per_mac=2.0))
    assert resident(work, device).total.energy == 2.0 * work.macs


@pytest.mark.parametrize("field", ["read_bandwidth", "write_bandwidth"])
def test_an_unknown_bandwidth_makes_times_unknown(work: Workload, field: str) -> None:
    device = replace(DEVICE, memories={"near": replace(NEAR, **{field: None}), "far": FAR})
    found = resident(work, device)
    assert found.layers[0].transfer_seconds == {"near": None}
    assert found.layers[0].bound is None
    assert found.iteration.seconds is None
    assert (found.total.seconds, found.total.milliseconds, found.total.overlapped_seconds) == (None, None, None)
    assert found.total.compute_seconds is not None
    assert found.total.energy is not None


def test_an_unknown_memory_that_moves_nothing_does_no_harm(work: Workload) -> None:
    device = replace(DEVICE, memories={"near": NEAR, "far": Memory("far", "dram")})
    assert resident(work, device).total == resident(work).total


def test_an_unknown_latency_matters_to_who_waits(work: Workload) -> None:
    device = replace(DEVICE, memories={"near": NEAR, "far": replace(FAR, read_latency=None)})
    waiting = [[Traffic("far", 10, waiting_reads=1)]] + [[]] * 3
    assert planner.estimate_cost(work, device, waiting).layers[0].cost.seconds is None
    early = [[Traffic("far", 10)]] + [[]] * 3
    assert planner.estimate_cost(work, device, early).layers[0].cost.seconds is not None


@pytest.mark.parametrize("compute", [Compute(), Compute(clock=10.0), Compute(macs_per_cycle={"fp16": 8.0}, clock=1.0)])
def test_an_unknown_peak_makes_times_unknown(work: Workload, compute: Compute) -> None:
    found = resident(work, replace(DEVICE, compute=compute))
    assert (found.total.compute_cycles, found.total.seconds, found.total.energy) == (None, None, None)
    assert found.layers[2].cost.seconds is not None  # an addition needs no multiply-accumulates


def test_cycles_are_known_without_a_clock(work: Workload) -> None:
    found = resident(work, replace(DEVICE, compute=replace(DEVICE.compute, clock=None)))
    assert found.total.compute_cycles is not None
    assert found.total.compute_seconds is None


def test_an_unknown_granularity_pads_nothing_and_hides_the_utilization(work: Workload) -> None:
    stem = resident(work, replace(DEVICE, granularity=Granularity())).layers[0]
    assert stem.cost.compute_cycles == stem.cost.macs / 20
    assert stem.utilization is None
    partly = resident(work, replace(DEVICE, granularity=Granularity(4, 8, None))).layers[0]
    assert partly.utilization is None


@pytest.mark.parametrize("figure", ["read_energy", "write_energy"])
def test_an_unknown_energy(work: Workload, figure: str) -> None:
    device = replace(DEVICE, memories={"near": replace(NEAR, **{figure: None}), "far": FAR})
    assert resident(work, device).total.energy is None


@pytest.mark.parametrize("name", planner.presets())
def test_presets_give_costs_or_say_that_they_are_unknown(work: Workload, name: str) -> None:
    target = planner.load_target(name)
    found = resident(work, target)
    rate = found.accelerator.compute.rate("int8")
    assert (found.total.compute_seconds is None) == (rate is None)
    assert (found.total.energy is None) == (target.compute.energy_per_mac is None)
    if found.accelerator.arena.read_bandwidth is None:
        assert found.total.seconds is None


@given(seed=st.integers(0, 200), iterations=st.integers(1, 4), overlap=st.booleans())
def test_a_run_is_the_sum_of_its_executions(seed: int, iterations: int, overlap: bool) -> None:
    program = random_program(seed)
    count = min(iterations, program.max_iterations or iterations)
    work = planner.load_workload(program, 9, 11, iterations=count, answers=count)
    found = resident(work, replace(DEVICE, overlap=overlap))
    seconds = sum((layer.cost.seconds or 0) * work.executions(layer.layer.section) for layer in found.layers)
    assert found.total.seconds == pytest.approx(seconds)
    assert found.total.macs == work.macs
    for layer in found.layers:
        assert (layer.cost.overlapped_seconds or 0) <= (layer.cost.sequential_seconds or 0)
        assert layer.utilization is None or 0 < layer.utilization <= 1


@given(
    unknown_of_compute=st.sets(st.sampled_from(["clock", "macs_per_cycle", "energy_per_mac"])),
    unknown_of_near=st.sets(st.sampled_from(["read_bandwidth", "write_bandwidth", "read_energy", "write_energy"])),
    unknown_of_far=st.sets(st.sampled_from(["read_bandwidth", "write_bandwidth", "read_energy", "read_latency"])),
)
def test_an_unknown_figure_hides_results_and_never_changes_one(
    unknown_of_compute: set[str], unknown_of_near: set[str], unknown_of_far: set[str]
) -> None:
    work = planner.load_workload(tiny_program(), 5, 4)
    traffic = planner.placed_traffic(work, {**dict.fromkeys(range(5), "near"), 2: "far"}, ["far"] * 4)
    empty: dict[str, object] = {"macs_per_cycle": {}}
    compute = replace(DEVICE.compute, **{name: empty.get(name) for name in unknown_of_compute})  # type: ignore[arg-type]
    memories = {
        "near": replace(NEAR, **dict.fromkeys(unknown_of_near)),  # type: ignore[arg-type]
        "far": replace(FAR, **dict.fromkeys(unknown_of_far)),  # type: ignore[arg-type]
    }
    known = planner.estimate_cost(work, DEVICE, traffic)
    found = planner.estimate_cost(work, replace(DEVICE, compute=compute, memories=memories), traffic)
    for name in ("compute_cycles", "compute_seconds", "overlapped_seconds", "sequential_seconds", "seconds", "energy"):
        assert getattr(found.total, name) in (None, getattr(known.total, name))
    hides_time = {"clock", "macs_per_cycle"} & unknown_of_compute or any(
        "bandwidth" in name for name in unknown_of_near | unknown_of_far
    )
    assert (found.total.seconds is None) == bool(hides_time)
    hides_energy = "energy_per_mac" in unknown_of_compute or any(
        "energy" in name for name in unknown_of_near | unknown_of_far
    )
    assert (found.total.energy is None) == hides_energy


def test_traffic_of_a_memory_is_added_up() -> None:
    assert merged([Traffic("a", 1), Traffic("b", 2), Traffic("a", 3, 4, 5, 6)]) == (
        Traffic("a", 4, 4, 5, 6),
        Traffic("b", 2),
    )


def test_traffic_for_too_few_layers(work: Workload) -> None:
    with pytest.raises(InvalidArgumentError, match="traffic: expected 4 entries, one a layer, found 1"):
        planner.estimate_cost(work, DEVICE, [[]])


def test_traffic_in_a_memory_that_is_not_there(work: Workload) -> None:
    with pytest.raises(AcceleratorError, match="device: expected the name of a memory .near, far., found 'cloud'"):
        planner.estimate_cost(work, DEVICE, [[Traffic("cloud", 1)]] * 4)


def test_negative_traffic() -> None:
    with pytest.raises(InvalidArgumentError, match="traffic of near: written_bytes: expected at least 0, found -1"):
        Traffic("near", 0, -1)


def test_a_memory_a_layer(work: Workload) -> None:
    with pytest.raises(InvalidArgumentError, match="weight_memory: expected 4 names, one a layer, found 1"):
        planner.placed_traffic(work, {}, ["near"])


def test_a_tensor_without_a_memory(work: Workload) -> None:
    with pytest.raises(InvalidArgumentError, match="expected the memory of mixed .tensor 2., found none"):
        planner.placed_traffic(work, {0: "near", 1: "near"}, ["near"] * 4)
