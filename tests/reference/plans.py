"""Plans by hand: every tensor whole, or rows and weights as a test says, laid out by a naive first fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from itrt.planner import Accelerator, Workload, estimate_cost, resident_traffic
from itrt.planner.footprint import Footprint, Piece, PlacedTensor, PlannedBuffer
from itrt.planner.planning import Plan
from itrt.planner.schedule import Schedule, layer_label, whole
from itrt.planner.traffic import Traffic, merged


def naive_plan(
    work: Workload, target: Accelerator, schedule: Schedule | None = None, capacity: int | None = None
) -> Plan:
    """A plan whose buffers are all tensors and all weights; the schedule decides nothing but what is reported."""
    decided = whole(work) if schedule is None else schedule
    buffers = first_fit([*tensor_buffers(work, target), *weight_buffers(work, target)])
    arena = height(buffers, target.roles.arena)
    weights = 0 if target.roles.arena == target.roles.weights else height(buffers, target.roles.weights)
    footprint = Footprint(tuple(buffers), arena, weights, lower_bound=arena - arena // 50, proven=False)
    setup = [Traffic(target.roles.weights, written_bytes=sum(layer.constant_bytes for layer in work.layers))]
    if target.roles.far is not None:
        setup.append(Traffic(target.roles.far, read_bytes=setup[0].written_bytes))
    cost = estimate_cost(work, target, resident_traffic(work, target), merged(setup))
    return Plan(work, target, arena if capacity is None else capacity, decided, footprint, cost)


def tensor_buffers(work: Workload, target: Accelerator) -> list[PlannedBuffer]:
    """What the block reads from outside lives until the end; the state lives around the loop, by itself."""
    end = len(work.layers)
    writers = {layer.output: index for index, layer in enumerate(work.layers)}
    found = []
    for index, tensor in enumerate(work.tensors):
        readers = [place for place, layer in enumerate(work.layers) if index in layer.inputs]
        writer = writers.get(index)
        begin = 0 if writer is None else writer
        last = max([begin, *readers])
        lifetimes: tuple[tuple[int, int], ...] = ((begin, last + 1),)
        if index == work.next_state:
            lifetimes = ((begin, end),)
        elif (
            readers
            and work.layers[last].section != "stem"
            and (writer is None or work.layers[writer].section == "stem")
        ):
            lifetimes = ((begin, last + 1),) if index == work.state else ((begin, end),)
        pieces = tuple(Piece(first, end, tensor.bytes) for first, end in lifetimes)
        found.append(
            PlannedBuffer(
                tensor.name, "tensor", writer, pieces, target.roles.arena, 0, (PlacedTensor(index, 0, tensor.channels),)
            )
        )
    return found


def weight_buffers(work: Workload, target: Accelerator) -> list[PlannedBuffer]:
    """All of them, from before the run to its end."""
    return [
        PlannedBuffer(
            f"weights of {layer_label(layer)}",
            "weights",
            index,
            (Piece(-1, len(work.layers), layer.constant_bytes),),
            target.roles.weights,
        )
        for index, layer in enumerate(work.layers)
        if layer.constant_bytes
    ]


def first_fit(buffers: Sequence[PlannedBuffer]) -> list[PlannedBuffer]:
    """Largest first, each at the lowest offset that is free in all of its lifetimes."""
    placed: list[PlannedBuffer] = []
    for buffer in sorted(buffers, key=lambda each: -each.size):
        rivals = [other for other in placed if other.memory == buffer.memory and live_together(buffer, other)]
        candidates = [0, *(other.offset + other.size for other in rivals)]
        offset = min(
            start
            for start in candidates
            if all(start + buffer.size <= other.offset or other.offset + other.size <= start for other in rivals)
        )
        placed.append(replace(buffer, offset=offset))
    return placed


def live_together(one: PlannedBuffer, other: PlannedBuffer) -> bool:
    """Whether any of their lifetimes overlap."""
    return any(a.begin < b.end and b.begin < a.end for a in one.pieces for b in other.pieces)


def height(buffers: Sequence[PlannedBuffer], memory: str) -> int:
    """Of a memory's layout."""
    return max((each.offset + each.size for each in buffers if each.memory == memory), default=0)
