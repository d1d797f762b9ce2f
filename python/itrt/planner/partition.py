"""Where groups begin and end: for given resident weights and spilled tensors, the cheapest partition, exactly.

Dynamic programming, section by section, over where the last group begins: a group needs

    memory = whole tensors that live beside it + its line buffers + weights     and costs     fetched bytes, MAC

whatever the others do.
"""

from __future__ import annotations

from dataclasses import replace

from itrt.planner.footprint import PlannedBuffer, Planner
from itrt.planner.group_options import GroupOption, GroupOptions
from itrt.planner.schedule import Schedule, section_range, whole
from itrt.planner.workload import SECTIONS


class Beside:
    """Bytes of the whole tensors that live beside a group and that it does not hold by rows.

    With ``aliased`` a layer by itself may write over its input or be no copy; layers that run in stripes need both.
    """

    def __init__(self, planner: Planner, spilled: frozenset[int], aliased: bool):
        schedule = replace(whole(planner.work), spilled=spilled)
        self.spilled = spilled
        self._uses = planner.uses
        self._apart = planner.tensor_buffers(schedule, aliased=False)
        self._alone = planner.tensor_buffers(schedule, aliased=True) if aliased else self._apart
        self._found: dict[tuple[int, int], int] = {}

    def of(self, first: int, last: int) -> int:
        """Return them for a group of these layers."""
        key = first, last
        if key not in self._found:
            layers = range(first, last + 1)
            self._found[key] = self._alone_bytes(first) if first == last else self._apart_bytes(layers)
        return self._found[key]

    def _alone_bytes(self, layer: int) -> int:
        return sum(buffer.live_bytes(layer) for buffer in self._alone)

    def _apart_bytes(self, layers: range) -> int:
        outside = (buffer for buffer in self._apart if not self._is_inside(buffer, layers))
        return sum(max(map(buffer.live_bytes, layers)) for buffer in outside)

    def _is_inside(self, buffer: PlannedBuffer, layers: range) -> bool:
        return all(self._uses.is_interior(tensor.index, layers) for tensor in buffer.tensors)


def partition(
    planner: Planner, options: GroupOptions, beside: Beside, room: int, resident: frozenset[int]
) -> tuple[float, Schedule] | None:
    """Return the price of the cheapest schedule whose groups need at most ``room`` bytes, and it; None for none."""
    chosen: list[GroupOption] = []
    total = 0.0
    for section in SECTIONS:
        layers = section_range(planner.work, section)
        best: dict[int, tuple[float, tuple[GroupOption, ...]]] = {layers.start: (0.0, ())}
        for end in layers:
            ways = []
            for begin in range(layers.start, end + 1):
                if begin not in best:
                    continue
                left = room - beside.of(begin, end)
                found = options.of(begin, end, resident, beside.spilled, left)
                option = min(found, key=lambda each: each.price, default=None)
                if option is not None:
                    price, before = best[begin]
                    ways.append((price + option.price, (*before, option)))
            if ways:
                best[end + 1] = min(ways, key=lambda way: way[0])
        if layers.stop not in best:
            return None
        price, found_options = best[layers.stop]
        total += price
        chosen += found_options
    groups = tuple(option.group for option in chosen)
    weights = tuple(placement for option in chosen for placement in option.weights)
    return total, Schedule(groups, weights, beside.spilled)
