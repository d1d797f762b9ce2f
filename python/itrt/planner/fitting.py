"""The search for the schedule that costs least in a given memory.

Three decisions depend on one another: which layers run in stripes, which weights stay, and which tensors move out. For
given weights and tensors the best stripes are found exactly, section by section, by dynamic programming over where
groups end, since a group needs

    memory = whole tensors that live beside it + its line buffers + weights     and costs     fetched bytes, MAC

whatever the others do. Around it: resident weights by the bytes that they save over all iterations, under several
budgets; tensors move out one after another, the one that helps most first. What comes out is laid out by the solver;
where offsets leave gaps the search starts again with so much less memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from itrt.planner.cost import Cost, layer_cost
from itrt.planner.footprint import Footprint, PlannedBuffer, Planner, lay_out
from itrt.planner.movement import computed_rows, group_movement
from itrt.planner.schedule import (
    HELD,
    RESIDENT,
    Group,
    Halo,
    Schedule,
    WeightMode,
    WeightPlacement,
    section_range,
    whole,
)
from itrt.planner.workload import SECTIONS

Objective = Literal["time", "traffic"]
_BUDGETS = 8  # sizes of the resident weights that are tried
_LAYOUTS = 12  # times that gaps may shrink the memory
_BYTES_A_MAC = 1e-5  # what a MAC is worth where bytes are to be few: little
_NODES = 2000  # of the offset solver, a layout


@dataclass(frozen=True)
class Fit:
    """A schedule, and its memory."""

    schedule: Schedule
    footprint: Footprint


@dataclass(frozen=True)
class _Option:
    """A group with its weights: what it adds to the memory while it runs, and its price."""

    group: Group
    weights: tuple[WeightPlacement, ...]
    bytes: int
    price: float


class Fitting:
    """Looks for schedules of one program on one accelerator."""

    def __init__(self, planner: Planner, objective: Objective = "time"):
        self._planner = planner
        self._work = planner.work
        self._can_fetch = planner.accelerator.far is not None
        self._objective = objective
        self._found: list[tuple[float, Fit]] = []
        self._candidates: dict[tuple[int, int, frozenset[int]], list[tuple[Group, int]]] = {}
        self._prices: dict[tuple[Group, tuple[WeightPlacement, ...], frozenset[int]], float] = {}
        self._saved = [self._saved_bytes(index) for index in range(planner.end)]

    def fit(self, capacity: int) -> Fit | None:
        """Return the cheapest schedule found whose memory is no larger; None if there is none.

        What was found for other capacities counts, too: more memory never costs more.
        """
        self._look(capacity)
        fitting = [found for found in self._found if found[1].footprint.arena_bytes <= capacity]
        return min(fitting, key=lambda found: found[0], default=(0.0, None))[1]

    def _look(self, capacity: int) -> None:
        """Add a schedule within the capacity to what was found, if there is one."""
        ideal = whole(self._work)
        footprint = lay_out(self._planner, ideal, _NODES, capacity)
        if footprint.arena_bytes <= capacity and self._weights_fit(footprint):
            self._keep(Fit(ideal, footprint))
            return
        room = capacity
        for _ in range(_LAYOUTS):
            schedule = self._schedule(room)
            if schedule is None:
                return
            footprint = lay_out(self._planner, schedule, _NODES, capacity)
            if footprint.arena_bytes <= capacity:
                self._keep(Fit(schedule, footprint))
                return
            room -= footprint.arena_bytes - capacity

    def _keep(self, fit: Fit) -> None:
        weights = fit.schedule.weights
        price = sum(
            self._priced(group, weights[group.first : group.last + 1], self._planner.near(group, fit.schedule.spilled))
            for group in fit.schedule.groups
        )
        self._found.append((price, fit))

    def smallest(self, upper: int) -> Fit:
        """Return the schedule of the smallest memory that can be found, by bisection; ``upper`` is one that will do."""
        best = self.fit(upper)
        assert best is not None
        low, high = 0, best.footprint.arena_bytes
        while high - low > max(high // 64, 256):
            middle = (low + high) // 2
            found = self.fit(middle)
            if found is None:
                low = middle
            else:
                best, high = found, found.footprint.arena_bytes
        return best

    def _weights_fit(self, footprint: Footprint) -> bool:
        room = self._weight_room
        return room is None or footprint.weight_bytes <= room

    @property
    def _weight_room(self) -> int | None:
        """Of a memory for weights alone."""
        return None if self._planner.one_memory else self._planner.accelerator.weights.size

    def _schedule(self, room: int) -> Schedule | None:
        """The cheapest over spilled tensors: they move out one by one until it fits, and while it gets cheaper."""
        best = self._over_budgets(room, frozenset())
        spilled: frozenset[int] = frozenset()
        while self._can_fetch:
            tries = [(spilled | more) for more in self._spillable(spilled)]
            found = [(self._over_budgets(room, each), each) for each in tries]
            fitting = [(result, each) for result, each in found if result is not None]
            if fitting:
                result, each = min(fitting, key=lambda pair: pair[0][0])
                if best is not None and result[0] >= best[0]:
                    break
                best, spilled = result, each
                continue
            if best is not None or not tries:
                break
            spilled = min(tries, key=lambda each: self._least_memory(each))
        return None if best is None else best[1]

    def _spillable(self, spilled: frozenset[int]) -> Iterator[frozenset[int]]:
        """What may move out next: a tensor, or the state with the next one, which shares its place."""
        state = {self._work.state, self._work.next_state} - {None}
        if state and not state <= spilled:
            yield frozenset(tensor for tensor in state if tensor is not None)
        for tensor, uses in self._planner.uses.of.items():
            used = uses.writer is not None and uses.readers
            if tensor not in state and tensor not in spilled and used and tensor != self._work.logits:
                yield frozenset({tensor})
        if self._work.image not in spilled:
            yield frozenset({self._work.image})

    def _least_memory(self, spilled: frozenset[int]) -> int:
        """What the layers need one by one, added up, with everything fetched: how far spills are from fitting."""
        beside = self._beside(spilled)
        needs = []
        for index in range(self._planner.end):
            options = self._options(index, index, frozenset(), spilled, None)
            needs.append(min((option.bytes for option in options), default=0) + beside(Group(index, index)))
        return sum(needs)

    def _over_budgets(self, room: int, spilled: frozenset[int]) -> tuple[float, Schedule] | None:
        found = []
        for resident in self._resident_sets(room):
            used = sum(self._planner.resident_bytes(index) for index in resident) if self._planner.one_memory else 0
            best = self._partition(room - used, resident, spilled)
            if best is not None:
                found.append(best)
        return min(found, key=lambda pair: pair[0], default=None)

    def _resident_sets(self, room: int) -> list[frozenset[int]]:
        """Weights that stay, for several budgets: those that save most a byte first."""
        sizes = {index: self._planner.resident_bytes(index) for index in range(self._planner.end)}
        order = sorted((i for i in sizes if sizes[i]), key=lambda i: (-self._saved[i] / sizes[i], i))
        everything = frozenset(order)
        if not self._can_fetch:
            room_of_weights = self._weight_room
            fits = room_of_weights is None or sum(sizes.values()) <= room_of_weights
            return [everything] if fits else []
        limit = room if self._planner.one_memory else (self._weight_room or sum(sizes.values()))
        found = dict.fromkeys([everything] if sum(sizes.values()) <= limit else [])
        for step in range(_BUDGETS, -1, -1):
            budget, chosen = limit * step // _BUDGETS, []
            for index in order:
                if sizes[index] <= budget:
                    chosen.append(index)
                    budget -= sizes[index]
            found[frozenset(chosen)] = None
        return list(found)

    def _saved_bytes(self, index: int) -> int:
        """Fetches that residency saves over a run."""
        layer = self._work.layers[index]
        return layer.constant_bytes * (self._work.executions(layer.section) - 1)

    def _partition(self, room: int, resident: frozenset[int], spilled: frozenset[int]) -> tuple[float, Schedule] | None:
        """The cheapest groups, by dynamic programming over where the last one begins."""
        beside = self._beside(spilled)
        chosen: list[_Option] = []
        total = 0.0
        for section in SECTIONS:
            layers = section_range(self._work, section)
            best: dict[int, tuple[float, tuple[_Option, ...]]] = {layers.start: (0.0, ())}
            for end in layers:
                ways = []
                for begin in range(layers.start, end + 1):
                    if begin not in best:
                        continue
                    left = room - beside(Group(begin, end, 1))
                    option = min(
                        self._options(begin, end, resident, spilled, left),
                        key=lambda each: each.price,
                        default=None,
                    )
                    if option is not None:
                        price, before = best[begin]
                        ways.append((price + option.price, (*before, option)))
                if ways:
                    best[end + 1] = min(ways, key=lambda way: way[0])
            if layers.stop not in best:
                return None
            price, options = best[layers.stop]
            total += price
            chosen += options
        groups = tuple(option.group for option in chosen)
        weights = tuple(placement for option in chosen for placement in option.weights)
        return total, Schedule(groups, weights, spilled)

    def _beside(self, spilled: frozenset[int]) -> Callable[[Group], int]:
        """Bytes of the whole tensors that live beside a group and that it does not hold by rows."""
        buffers = self._planner.tensor_buffers(replace(whole(self._work), spilled=spilled))
        found: dict[tuple[int, int], int] = {}

        def inside(buffer: PlannedBuffer, group: Group) -> bool:
            return all(self._planner.uses.is_interior(tensor, group.layers) for tensor in buffer.tensors)

        def beside(group: Group) -> int:
            key = group.first, group.last
            if key not in found:
                found[key] = sum(
                    buffer.size
                    for buffer in buffers
                    if any(begin <= group.last and group.first < end for begin, end in buffer.lifetimes)
                    and not (group.first != group.last and inside(buffer, group))
                )
            return found[key]

        return beside

    def _options(
        self, first: int, last: int, resident: frozenset[int], spilled: frozenset[int], room: int | None
    ) -> Iterator[_Option]:
        """Ways to run layers as one group; ``room`` is what the weights may be fitted to (None: as small as can be)."""
        near = self._planner.near(Group(first, last, 1), spilled)
        for group, lines in self._groups(first, last, near):
            option = self._weighted(group, lines, resident, near, room)
            if option is not None:
                yield option

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
    ) -> _Option | None:
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
        return _Option(group, placements, need, self._priced(group, placements, near))

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
        return max(
            sum(line.size for line in lines if line.lifetimes[0][0] <= time < line.lifetimes[0][1]) for time in times
        )

    def _priced(self, group: Group, weights: tuple[WeightPlacement, ...], near: frozenset[int]) -> float:
        """The price, worked out once."""
        key = group, weights, near
        if key not in self._prices:
            self._prices[key] = self._price(group, weights, near)
        return self._prices[key]

    def _price(self, group: Group, weights: Sequence[WeightPlacement], near: frozenset[int]) -> float:
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
