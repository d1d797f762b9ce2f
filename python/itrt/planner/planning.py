"""`plan`: does a network fit an accelerator, how, and what does it cost."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

from itrt import _core
from itrt.errors import InvalidArgumentError
from itrt.planner.accelerator import LARGEST, Accelerator
from itrt.planner.cost import RunCost, estimate_cost
from itrt.planner.fitting import Fit, Fitting
from itrt.planner.footprint import Footprint, Planner, StripeRow, session_footprint
from itrt.planner.group_options import Objective
from itrt.planner.movement import movement
from itrt.planner.schedule import RESIDENT, Group, Schedule, layer_label, section_range
from itrt.planner.targets import load_target
from itrt.planner.traffic import placed_traffic
from itrt.planner.workload import Section, Workload, load_workload, read_model


class DoesNotFitError(InvalidArgumentError):
    """A network that no schedule executes in the memory.

    ``smallest`` is the least memory, in bytes, for which a schedule was found, None where there is none at any size
    (weights larger than their memory, with no other to fetch them from); ``layer`` the one that decides it.
    """

    def __init__(self, message: str, smallest: int | None, layer: str | None):
        super().__init__(message)
        self.smallest, self.layer = smallest, layer


@dataclass(frozen=True)
class Plan:
    """How an accelerator executes a network.

    ``capacity`` is the memory that was given, in bytes (None: a cache of unknown size); ``footprint`` has every buffer
    with its offset, ``schedule`` the stripes, the weights and what is spilled, ``cost`` cycles, time, traffic, energy.
    """

    work: Workload
    target: Accelerator
    capacity: int | None
    schedule: Schedule
    footprint: Footprint
    cost: RunCost

    @property
    def fits(self) -> bool:
        """Whether the arena is within the capacity: always, but for a cache, which holds what it can."""
        return self.capacity is not None and self.arena_bytes <= self.capacity

    @property
    def arena_bytes(self) -> int:
        """Bytes of the arena."""
        return self.footprint.arena_bytes

    @property
    def far_bytes(self) -> int:
        """Bytes that the run reads from and writes to the far memory."""
        far = self.target.roles.far
        return sum(each.bytes for each in self.cost.total.traffic if each.memory == far)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the run, with those that halos cost again."""
        return self.cost.total.macs

    @property
    def deciding_layer(self) -> str:
        """The layer at which most bytes of the arena are live."""
        return _deciding_layer(self.work, self.target, self.footprint)


def plan(
    model: str | os.PathLike[str] | bytes,
    target: str | os.PathLike[str] | Accelerator,
    *,
    height: int,
    width: int,
    sram: int | None = None,
    iterations: int | None = None,
    answers: int = 1,
    objective: Objective = "time",
) -> Plan:
    """Return how an accelerator executes a model at an image's size.

    Parameters
    ----------
    model
        The path of an ``.itrt`` file, or its bytes.
    target
        A preset's name, the path of a TOML file, or an `Accelerator`.
    height, width
        Of the image, in pixels.
    sram
        Bytes of the arena, instead of the target's.
    iterations, answers
        As in `load_workload`.
    objective
        What is to be small: "time", or "traffic" to the far memory. Where a figure that the time needs is unknown,
        traffic.

    Raises
    ------
    DoesNotFitError
        If no schedule was found that fits.
    InvalidArgumentError
        For a number out of range, or a target whose memory is unknown where ``sram`` is not given.
    ModelFileError, MissingFileError, AcceleratorError
        For files that are missing or not valid.
    """
    accelerator = target if isinstance(target, Accelerator) else load_target(target)
    contents = read_model(model)
    work = load_workload(contents, height, width, iterations, answers)
    program = _core.Program(contents, None if accelerator.is_cached else "portable")
    planner = Planner(program, work, accelerator)
    if accelerator.is_cached:
        return _cached_plan(planner, sram)
    capacity = _capacity(accelerator, sram)
    fitting = Fitting(planner, objective)
    fit = fitting.fit(capacity) or _smallest_fit(fitting, planner, capacity)
    return _finished(planner, capacity, fit)


def sweep(
    model: str | os.PathLike[str] | bytes,
    target: str | os.PathLike[str] | Accelerator,
    *,
    height: int,
    width: int,
    iterations: int | None = None,
    answers: int = 1,
    objective: Objective = "time",
    points: int = 24,
) -> list[Plan]:
    """Return plans for memories between the smallest that will do and the one in which nothing needs to move.

    None of them is worse than another in memory, bytes of the far memory, MAC and time at once: the front of the
    trade-off, smallest memory first. Arguments as for `plan`; ``points`` is how many sizes are tried.
    """
    accelerator = target if isinstance(target, Accelerator) else load_target(target)
    contents = read_model(model)
    work = load_workload(contents, height, width, iterations, answers)
    planner = Planner(_core.Program(contents, "portable"), work, accelerator)
    fitting = Fitting(planner, objective)
    best = fitting.fit(LARGEST)
    if best is None:
        best = _smallest_fit(fitting, planner, LARGEST)
    high = best.footprint.arena_bytes
    low = fitting.smallest(high).footprint.arena_bytes
    sizes = [round(low * (high / low) ** (index / (points - 1))) for index in range(points)] if low < high else [high]
    fits = [fit for size in dict.fromkeys([low, *sizes, high]) if (fit := fitting.fit(size)) is not None]
    return _front(_finished(planner, fit.footprint.arena_bytes, fit) for fit in fits)


def _front(plans: Iterable[Plan]) -> list[Plan]:
    def figures(each: Plan) -> tuple[float, ...]:
        return each.arena_bytes, each.far_bytes, each.macs, each.cost.total.seconds or 0.0

    found = {figures(each): each for each in plans}
    kept = [
        key
        for key in found
        if not any(other != key and all(a <= b for a, b in zip(other, key, strict=True)) for other in found)
    ]
    return [found[key] for key in sorted(kept)]


def _finished(planner: Planner, capacity: int, fit: Fit) -> Plan:
    moved = movement(planner, fit.schedule)
    cost = estimate_cost(planner.work, planner.accelerator, moved.layers, moved.setup, moved.rows)
    return Plan(planner.work, planner.accelerator, capacity, fit.schedule, fit.footprint, cost)


def _cached_plan(planner: Planner, size: int | None) -> Plan:
    """What the runtime does: tensors as a session lays them out, and stripes where they do not fit the cache."""
    work, target = planner.work, planner.accelerator
    capacity = target.arena.size if size is None else _capacity(target, size)
    schedule, footprint = session_schedule(planner, ())
    if capacity is not None and footprint.arena_bytes > capacity:
        rows = planner.program.choose_stripes(*planner.image_size)
        striped, smaller = session_schedule(planner, rows)
        if smaller.arena_bytes < footprint.arena_bytes:
            schedule, footprint = striped, smaller
    # A tensor is read from where it was written: the cache, if everything fits there.
    near = capacity is not None and footprint.arena_bytes <= capacity
    far = target.roles.arena if near or target.roles.far is None else target.roles.far
    traffic = placed_traffic(work, dict.fromkeys(range(len(work.tensors)), far), [target.roles.weights] * planner.end)
    return Plan(work, target, capacity, schedule, footprint, estimate_cost(work, target, traffic))


def session_schedule(planner: Planner, stripes: Sequence[StripeRow]) -> tuple[Schedule, Footprint]:
    """Return what a session of the runtime executes with these stripes, and its arena, to the byte."""
    striped = {}
    for section, first, last, rows in stripes:
        start = section_range(planner.work, cast(Section, section)).start
        striped[start + first] = Group(start + first, start + last, rows)
    groups: list[Group] = []
    while not groups or groups[-1].last + 1 < planner.end:
        first = groups[-1].last + 1 if groups else 0
        groups.append(striped.get(first, Group(first, first)))
    footprint = session_footprint(planner, stripes)
    return Schedule(tuple(groups), (RESIDENT,) * planner.end), footprint


def _capacity(target: Accelerator, sram: int | None) -> int:
    if sram is not None:
        if isinstance(sram, bool) or not isinstance(sram, int) or not 1 <= sram <= LARGEST:
            raise InvalidArgumentError(f"sram: expected bytes, 1 to {LARGEST}, found {sram!r}")
        return sram
    if target.arena.size is None:
        raise InvalidArgumentError(
            f"{target.name}: the size of its memory {target.arena.name} is unknown: expected the argument sram"
        )
    return target.arena.size


def _smallest_fit(fitting: Fitting, planner: Planner, capacity: int) -> Fit:
    """The schedule of the smallest memory, where that is within the capacity; DoesNotFitError where it is not."""
    name, memory = planner.work.name, planner.accelerator.roles.arena
    unlimited = fitting.fit(LARGEST)
    if unlimited is None:
        raise DoesNotFitError(
            f"{name}: expected weights that fit into {planner.accelerator.roles.weights} of "
            f"{planner.accelerator.name}, which has no far memory to fetch them from",
            None,
            None,
        )
    smallest = fitting.smallest(unlimited.footprint.arena_bytes)
    needed = smallest.footprint.arena_bytes
    if needed <= capacity:
        return smallest
    layer = _deciding_layer(planner.work, planner.accelerator, smallest.footprint)
    raise DoesNotFitError(
        f"{name} does not fit: expected at least {needed} bytes in {memory} (layer {layer} decides), found {capacity}",
        needed,
        layer,
    )


def _deciding_layer(work: Workload, target: Accelerator, footprint: Footprint) -> str:
    live = [0] * len(work.layers)
    for buffer in footprint.buffers:
        if buffer.memory != target.roles.arena:
            continue
        for index in range(len(work.layers)):
            live[index] += buffer.live_bytes(index)
    return layer_label(work.layers[live.index(max(live))])
