"""What a schedule moves: bytes of every layer, memory by memory.

A layer reads its inputs and weights once and writes its output once, in the arena, and more often where halos are
computed again or where weights pass in parts. What lives in the far memory costs a transfer there, too:

    spilled tensor   read once a pass over the image by the group that reads it, written once by the one that writes it
    held weights     once an iteration, split ones once a stripe
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from itrt.planner.footprint import Planner
from itrt.planner.schedule import Group, Schedule, WeightMode, WeightPlacement
from itrt.planner.traffic import Traffic, merged
from itrt.planner.workload import Layer


@dataclass(frozen=True)
class Movement:
    """Traffic of an execution of each layer, and of what happens once before the run; rows that each layer computes."""

    layers: tuple[tuple[Traffic, ...], ...]
    setup: tuple[Traffic, ...]
    rows: tuple[int, ...]


def movement(planner: Planner, schedule: Schedule) -> Movement:
    """Return what a schedule moves."""
    layers: list[tuple[Traffic, ...]] = []
    rows: list[int] = []
    for group in schedule.groups:
        placements = schedule.weights[group.first : group.last + 1]
        layers += group_movement(planner, group, placements, schedule.spilled)
        rows += computed_rows(planner, group, schedule.spilled)
    setup = [
        each
        for index in range(planner.end)
        if schedule.weights[index].mode is WeightMode.RESIDENT
        for each in _fetched(planner, planner.resident_bytes(index))
    ]
    return Movement(tuple(layers), merged(setup), tuple(rows))


def computed_rows(planner: Planner, group: Group, spilled: frozenset[int]) -> list[int]:
    """Return the rows that each layer of a group computes in an iteration."""
    found = planner.rows(group, spilled)
    heights = [planner.work.tensors[planner.work.layers[index].output].height for index in group.layers]
    return heights if found is None else [found.computed[index] for index in group.layers]


def group_movement(
    planner: Planner, group: Group, weights: Sequence[WeightPlacement], spilled: frozenset[int]
) -> list[tuple[Traffic, ...]]:
    """Return the traffic of one execution of each layer of a group."""
    found = planner.rows(group, spilled)
    stripes = 1 if found is None else found.stripes
    loaded: set[int] = set()
    moved = []
    for index, placement, rows in zip(group.layers, weights, computed_rows(planner, group, spilled), strict=True):
        layer = planner.work.layers[index]
        share = rows / max(planner.work.tensors[layer.output].height, 1)
        loads = [t for t in layer.inputs if t in spilled and planner.uses.of[t].writer not in group.layers]
        moved.append(
            merged(
                [
                    *_activations(planner, layer, share, placement.parts),
                    *_spills(planner, group, layer, [t for t in loads if t not in loaded], spilled),
                    *_constants(planner, group, layer, placement, stripes),
                ]
            )
        )
        loaded.update(loads)
    return moved


def _activations(planner: Planner, layer: Layer, share: float, parts: int) -> Iterator[Traffic]:
    """In the arena; inputs are read once for every part of the weights."""
    work, arena = planner.work, planner.accelerator.roles.arena
    for tensor in layer.inputs:
        yield Traffic(arena, read_bytes=round(work.tensors[tensor].bytes * share) * parts)
    yield Traffic(arena, written_bytes=round(work.tensors[layer.output].bytes * share))


def _spills(
    planner: Planner, group: Group, layer: Layer, loads: Sequence[int], spilled: frozenset[int]
) -> Iterator[Traffic]:
    """Between the arena and the far memory; a pass of temporal stripes serves several iterations."""
    roles = planner.accelerator.roles
    if roles.far is None:
        return
    for tensor in loads:
        size = -(-planner.work.tensors[tensor].bytes // group.passes)
        yield Traffic(roles.far, read_bytes=size)
        yield Traffic(roles.arena, written_bytes=size)
    if layer.output in spilled:
        size = -(-planner.work.tensors[layer.output].bytes // group.passes)
        yield Traffic(roles.far, written_bytes=size)
        yield Traffic(roles.arena, read_bytes=size)


def _constants(
    planner: Planner, group: Group, layer: Layer, placement: WeightPlacement, stripes: int
) -> Iterator[Traffic]:
    if not layer.constant_bytes:
        return
    if placement.mode is WeightMode.SPLIT:
        yield from _fetched(planner, layer.constant_bytes * stripes)
    elif placement.mode is WeightMode.HELD:
        yield from _fetched(planner, -(-layer.constant_bytes // group.passes))
    yield Traffic(planner.accelerator.roles.weights, read_bytes=layer.constant_bytes * stripes)


def _fetched(planner: Planner, size: int) -> list[Traffic]:
    """From the far memory to that of the weights. Without a far memory they are there from the beginning."""
    roles = planner.accelerator.roles
    if roles.far is None or not size:
        return []
    return [Traffic(roles.far, read_bytes=size), Traffic(roles.weights, written_bytes=size)]
