"""Ways to run neighbouring layers as one group: stripes, weights, what they need of the memory, and their price.

A group needs line buffers and weights, whatever the other groups do, and costs fetched bytes and MAC. Both are worked
out here, once for each group, so that the search around it (partition.py, fitting.py) may ask often.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from itrt.planner.cost import Cost, layer_cost
from itrt.planner.footprint import Planner
from itrt.planner.movement import computed_rows, group_movement
from itrt.planner.schedule import HELD, RESIDENT, Group, Halo, WeightMode, WeightPlacement, section_range

Objective = Literal["time", "traffic"]
_BYTES_A_MAC = 1e-5  # what a MAC is worth where bytes are to be few: little


@dataclass(frozen=True)
class GroupOption:
    """A group with its weights: what it adds to the memory while it runs, and its price."""

    group: Group
    weights: tuple[WeightPlacement, ...]
    bytes: int
    price: float


class GroupOptions:
    """The options of one program on one accelerator."""

    def __init__(self, planner: Planner, objective: Objective):
        self._planner = planner
        self._work = planner.work
        self._can_fetch = planner.accelerator.far is not None
        self._objective = objective
        self._candidates: dict[tuple[int, int, frozenset[int]], list[tuple[Group, int]]] = {}
        self._prices: dict[tuple[Group, tuple[WeightPlacement, ...], frozenset[int]], float] = {}

    def of(
        self, first: int, last: int, resident: frozenset[int], spilled: frozenset[int], room: int | None
    ) -> Iterator[GroupOption]:
        """Ways to run layers as one group; ``room`` is what the weights may be fitted to (None: as small as can be)."""
        near = self._planner.near(Group(first, last, 1), spilled)
        for group, lines in self._groups(first, last, near):
            option = self._weighted(group, lines, resident, near, room)
            if option is not None:
                yield option

    def price(self, group: Group, weights: tuple[WeightPlacement, ...], near: frozenset[int]) -> float:
        """The price, worked out once."""
        key = group, weights, near
        if key not in self._prices:
            self._prices[key] = self._work_out_price(group, weights, near)
        return self._prices[key]

    def _groups(self, first: int, last: int, near: frozenset[int]) -> list[tuple[Group, int]]:
        """Groups of these layers, and the bytes of their line buffers."""
        key = first, last, near
        if key not in self._candidates:
            groups = list(self._striped(first, last, near))
            if first == last and not near:
                groups.append(Group(first, last))
            self._candidates[key] = [(group, self._lines_bytes(group, near)) for group in groups]
        return self._candidates[key]

    def _striped(self, first: int, last: int, near: frozenset[int]) -> Iterator[Group]:
        height = self._work.tensors[self._work.layers[last].output].height
        rows = 1
        while rows < height:
            yield Group(first, last, rows)
            if first != last:
                yield Group(first, last, rows, Halo.RECOMPUTED)
            rows *= 2
        block = section_range(self._work, "block")
        # Else the state of one pass would overwrite what the next stripe reads.
        state_is_far = {self._work.state, self._work.next_state} <= near
        if self._work.state is not None and state_is_far and range(first, last + 1) == block:
            passes = 2
            while passes <= self._work.iterations:
                for count in (1, 2, 4, 8):
                    if count < height:
                        yield Group(first, last, count, passes=passes)
                passes *= 2

    def _weighted(
        self, group: Group, lines: int, resident: frozenset[int], near: frozenset[int], room: int | None
    ) -> GroupOption | None:
        """A group with its weights fetched in the cheapest way that the room allows."""
        if room is not None and lines > room:
            return None
        fetched = [i for i in group.layers if i not in resident and self._work.layers[i].constant_bytes]
        if fetched and not self._can_fetch:
            return None
        modes = dict.fromkeys(fetched, HELD)
        left = None if room is None else room - lines
        for index in sorted(fetched, key=lambda i: -self._work.layers[i].constant_bytes):
            if left is not None and self._weight_bytes(group, modes) <= left:
                break
            modes[index] = self._split(index, left)
        placements = tuple(modes.get(index, RESIDENT) for index in group.layers)
        need = lines + self._weight_bytes(group, modes)
        if room is not None and need > room:
            return None
        return GroupOption(group, placements, need, self.price(group, placements, near))

    def _split(self, index: int, room: int | None) -> WeightPlacement:
        """Parts of a layer's output channels: as few as the room allows, at most one a granule of channels."""
        channels = self._work.tensors[self._work.layers[index].output].channels
        granule = self._planner.accelerator.granularity.output_channels or 1
        most = max(channels // granule, 1)
        parts = 2
        while parts < most and (room is None or self._planner.split_bytes(index, parts) > room // 2):
            parts *= 2
        return WeightPlacement(WeightMode.SPLIT, min(parts, most))

    def _weight_bytes(self, group: Group, modes: dict[int, WeightPlacement]) -> int:
        """In the arena, while the group runs: what is held, and the largest of what passes."""
        if not self._planner.one_memory:
            return 0
        held = passing = 0
        for index, placement in modes.items():
            layer = self._work.layers[index]
            if placement.mode is WeightMode.HELD:
                held += layer.weights.held(group.passes) + layer.vectors.held(group.passes)
            else:
                passing = max(passing, self._planner.split_bytes(index, placement.parts))
        return held + passing

    def _lines_bytes(self, group: Group, near: frozenset[int]) -> int:
        """The most that live within a stripe."""
        lines = self._planner.line_buffers(group, near)
        times = range(group.first, group.last + 1)
        return max(sum(line.live_bytes(time) for line in lines) for time in times)

    def _work_out_price(self, group: Group, weights: Sequence[WeightPlacement], near: frozenset[int]) -> float:
        """Seconds, or bytes of the far memory, of the run; of equal ones the group of fewer stripes.

        Where a figure is missing that the time follows from: bytes, and MAC where bytes are equal.
        """
        work, accelerator = self._work, self._planner.accelerator
        executions = work.executions(work.layers[group.first].section)
        rows = self._planner.rows(group, near)
        moved = group_movement(self._planner, group, weights, near)
        computed = computed_rows(self._planner, group, near)
        costs = [
            layer_cost(work, work.layers[index], accelerator, traffic, count).cost
            for index, traffic, count in zip(group.layers, moved, computed, strict=True)
        ]
        once = sum(
            self._planner.resident_bytes(index)
            for index, placement in zip(group.layers, weights, strict=True)
            if placement.mode is WeightMode.RESIDENT and self._can_fetch
        )
        price = self._seconds(costs, executions, once) if self._objective == "time" else None
        if price is None:
            far = accelerator.roles.far
            fetched = sum(each.bytes for cost in costs for each in cost.traffic if each.memory == far)
            price = fetched * executions + once + _BYTES_A_MAC * sum(cost.macs for cost in costs) * executions
        return price * (1 + 1e-9 * (1 if rows is None else rows.stripes))

    def _seconds(self, costs: Sequence[Cost], executions: int, once: int) -> float | None:
        """Of a group in the run, and of loading its resident weights before; None where it is unknown."""
        far = self._planner.accelerator.far
        if far is None:
            loading: float | None = 0.0
        else:
            loading = None if far.read_bandwidth is None else once / far.read_bandwidth
        seconds = [cost.seconds for cost in costs]
        known = [each for each in seconds if each is not None]
        return None if loading is None or len(known) < len(seconds) else sum(known) * executions + loading
