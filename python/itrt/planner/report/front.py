"""Cost against memory: what the plans of a sweep have in common, for tables and pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import log2

from itrt.planner.planning import Plan

_SHALLOW = 0.05  # of the costs' range: a curve that bends less has no knee


@dataclass(frozen=True)
class Curve:
    """A cost over the arena's bytes, a value a plan, smallest arena first."""

    name: str
    unit: str
    values: tuple[float, ...]

    @property
    def lowest(self) -> tuple[float, ...]:
        """The least cost with so much memory: a plan for a smaller one does, too."""
        return tuple(accumulate(self.values, min))


def curves(front: Sequence[Plan]) -> tuple[Curve, ...]:
    """Return what there is to see: time where it is known, the far memory's bytes where there is one, and MAC."""
    found = []
    seconds = [plan.cost.total.seconds for plan in front]
    known = [value * 1e3 for value in seconds if value is not None]
    if known and len(known) == len(seconds):
        found.append(Curve("time of a run", "ms", tuple(known)))
    if front and front[0].target.far is not None:
        megabytes = tuple(plan.far_bytes / 1e6 for plan in front)
        found.append(Curve(f"traffic with {front[0].target.roles.far}", "MB", megabytes))
    found.append(Curve("multiply-accumulates", "M", tuple(plan.macs / 1e6 for plan in front)))
    return tuple(found)


def knee(front: Sequence[Plan]) -> Plan | None:
    """Return the plan behind which more memory buys little: None for fewer than three plans, or where none stands out.

    It lies farthest below the line between both ends, costs and memory scaled to [0, 1], memory by its logarithm
    (Satopaa et al., "Finding a 'Kneedle' in a Haystack", 2011). The cost is the time, or else the far memory's bytes.
    """
    values = curves(front)[0].lowest if len(front) >= 3 else ()
    if not values or values[0] <= values[-1]:
        return None
    sizes = [log2(plan.arena_bytes) for plan in front]
    scaled = [
        ((size - sizes[0]) / (sizes[-1] - sizes[0]), (value - values[-1]) / (values[0] - values[-1]))
        for size, value in zip(sizes, values, strict=True)
    ]
    below = [1 - along - height for along, height in scaled]
    best = below.index(max(below))
    return front[best] if below[best] > _SHALLOW else None
