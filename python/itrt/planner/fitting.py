"""The search for the schedule that costs least in a given memory.

Three decisions depend on one another: which layers run in stripes, which weights stay, and which tensors move out. For
given weights and tensors the best stripes are found exactly (partition.py). Around it: resident weights by the bytes
that they save over all iterations, under several budgets; tensors move out one after another, the one that helps most
first. What comes out is laid out by the solver; where offsets leave gaps the search starts again with so much less
memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from itrt.planner.footprint import Footprint, Planner, lay_out
from itrt.planner.group_options import GroupOptions, Objective
from itrt.planner.partition import Beside, partition
from itrt.planner.schedule import Schedule, whole

_BUDGETS = 8  # sizes of the resident weights that are tried
_LAYOUTS = 12  # times that gaps may shrink the memory
_NODES = 2000  # of the offset solver, a layout


@dataclass(frozen=True)
class Fit:
    """A schedule, and its memory."""

    schedule: Schedule
    footprint: Footprint


class Fitting:
    """Looks for schedules of one program on one accelerator."""

    def __init__(self, planner: Planner, objective: Objective = "time"):
        self._planner = planner
        self._work = planner.work
        self._can_fetch = planner.accelerator.far is not None
        self._options = GroupOptions(planner, objective)
        self._found: list[tuple[float, Fit]] = []
        self._besides: dict[tuple[frozenset[int], bool], Beside] = {}
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
        for aliased in (False, True):
            self._look_with(capacity, aliased)

    def _look_with(self, capacity: int, aliased: bool) -> None:
        """Add a schedule; ``aliased``: counting on tensors that share memory (`Planner.tensor_buffers`)."""
        room = capacity
        for _ in range(_LAYOUTS):
            schedule = self._schedule(room, aliased)
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
            self._options.price(
                group, weights[group.first : group.last + 1], self._planner.near(group, fit.schedule.spilled)
            )
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

    def _schedule(self, room: int, aliased: bool) -> Schedule | None:
        """The cheapest over spilled tensors: they move out one by one until it fits, and while it gets cheaper.

        With ``aliased`` none moves out: of what the search costs, that is nearly all.
        """
        best = self._over_budgets(room, frozenset(), aliased)
        spilled: frozenset[int] = frozenset()
        while self._can_fetch and not aliased:
            tries = [(spilled | more) for more in self._spillable(spilled)]
            found = [(self._over_budgets(room, each, aliased), each) for each in tries]
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
        beside = self._beside(spilled, aliased=False)
        needs = []
        for index in range(self._planner.end):
            options = self._options.of(index, index, frozenset(), spilled, None)
            needs.append(min((option.bytes for option in options), default=0) + beside.of(index, index))
        return sum(needs)

    def _over_budgets(self, room: int, spilled: frozenset[int], aliased: bool) -> tuple[float, Schedule] | None:
        beside = self._beside(spilled, aliased)
        found = []
        for resident in self._resident_sets(room):
            used = sum(self._planner.resident_bytes(index) for index in resident) if self._planner.one_memory else 0
            best = partition(self._planner, self._options, beside, room - used, resident)
            if best is not None:
                found.append(best)
        return min(found, key=lambda pair: pair[0], default=None)

    def _beside(self, spilled: frozenset[int], aliased: bool) -> Beside:
        key = spilled, aliased
        if key not in self._besides:
            self._besides[key] = Beside(self._planner, spilled, aliased)
        return self._besides[key]

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
