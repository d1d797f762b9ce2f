"""The planner beside the allocators of other runtimes, written again here from their descriptions.

- greedy by size: TensorFlow Lite for Microcontrollers: the largest first, each as low as it can;
- best fit by birth: ExecuTorch and XNNPACK plan in the order of execution: each buffer takes the smallest hole that is
  large enough among those that nothing living then uses, else it goes on top;
- hill climb: Vela: random exchanges in the order of placement, kept where the arena does not grow.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from itrt._core import plan
from itrt.errors import VerificationError
from itrt.planner import Allocation, allocate, read_instance
from itrt.planner.allocation import as_pieces

Rows = npt.NDArray[np.int64]

CAPACITY_IN_NAME = 1  # of "D.1048576.csv", split at dots


@dataclass(frozen=True)
class Instance:
    """Rows (lower, upper, size) with a name, and bytes that should suffice where these are known."""

    name: str
    rows: Rows
    capacity: int | None = None


@dataclass(frozen=True)
class Row:
    """One instance, one order of its rows; peaks in bytes, times in seconds of CPU.

    `seconds_to_capacity` is None where there is no capacity, or where it was not reached within the limit.
    """

    instance: str
    shuffle: int
    buffers: int
    lower_bound: int
    capacity: int | None
    fits: bool | None
    seconds_to_capacity: float | None
    peak: int
    proven: bool
    seconds: float
    others: dict[str, int]


def measure(instance: Instance, shuffle: int, time_limit: float) -> Row:
    """Allocate with ours and all others. `shuffle`: 0 leaves the rows as they are, else the seed of their order."""
    rows = instance.rows
    if shuffle:
        rows = np.random.default_rng(shuffle).permutation(rows)
    within, to_capacity = None, None
    if instance.capacity is not None:
        within, to_capacity = _timed(lambda: allocate(rows, instance.capacity, time_limit=time_limit))
    lowest, seconds = _timed(lambda: allocate(rows, time_limit=time_limit))
    others = {name: _checked(name, rows, allocator(rows)) for name, allocator in ALLOCATORS.items()}
    return Row(
        instance=instance.name,
        shuffle=shuffle,
        buffers=len(rows),
        lower_bound=lowest.lower_bound,
        capacity=instance.capacity,
        fits=None if within is None else within.fits,
        seconds_to_capacity=to_capacity if within is not None and within.fits else None,
        peak=_checked("itrt", rows, lowest.offsets),
        proven=lowest.proven,
        seconds=seconds,
        others=others,
    )


def _timed(work: Callable[[], Allocation]) -> tuple[Allocation, float]:
    start = time.process_time()
    return work(), time.process_time() - start


def _checked(name: str, rows: Rows, offsets: npt.NDArray[np.int64]) -> int:
    """The peak of a layout that the independent validator accepts."""
    occupied = (rows[:, 0] < rows[:, 1]) & (rows[:, 2] > 0)
    peak = int((offsets + rows[:, 2])[occupied].max(initial=0))
    conflict = plan.find_conflict(*as_pieces(rows, 1), offsets, peak)
    if conflict is not None:
        raise VerificationError(f"{name}: expected a layout without collisions, found that {conflict}")
    return peak


def greedy_by_size(rows: Rows) -> npt.NDArray[np.int64]:
    """Offsets (n,) in bytes."""
    order = np.argsort(-rows[:, 2], kind="stable")
    offsets: npt.NDArray[np.int64] = plan.place_in_order(*as_pieces(rows, 1), order.tolist())[0]
    return offsets


def best_fit_by_birth(rows: Rows) -> npt.NDArray[np.int64]:
    """Offsets (n,) in bytes."""
    offsets = np.zeros(len(rows), np.int64)
    placed: list[int] = []
    for index in np.argsort(rows[:, 0], kind="stable").tolist():
        lower, upper, size = rows[index].tolist()
        living = [other for other in placed if rows[other, 0] < upper and lower < rows[other, 1]]
        offsets[index] = _smallest_hole(sorted((offsets[i], offsets[i] + rows[i, 2]) for i in living), size)
        placed.append(index)
    return offsets


def _smallest_hole(occupied: Sequence[tuple[int, int]], size: int) -> int:
    """Where the smallest hole of at least `size` bytes begins; the end of all where there is none."""
    best, end = None, 0
    for begin, after in occupied:
        hole = begin - end
        if hole >= size and (best is None or hole < best[0]):
            best = (hole, end)
        end = max(end, after)
    return end if best is None else best[1]


def hill_climb(rows: Rows, steps: int = 2000, seed: int = 1) -> npt.NDArray[np.int64]:
    """Offsets (n,) in bytes."""
    pieces, alignments = as_pieces(rows, 1)
    order = np.argsort(-rows[:, 2], kind="stable").tolist()
    best: npt.NDArray[np.int64]
    best, peak = plan.place_in_order(pieces, alignments, order)
    generator = random.Random(seed)
    for _ in range(steps if len(order) > 1 else 0):
        i, j = generator.sample(range(len(order)), 2)
        order[i], order[j] = order[j], order[i]
        offsets, height = plan.place_in_order(pieces, alignments, order)
        if height <= peak:
            best, peak = offsets, height
        else:
            order[i], order[j] = order[j], order[i]
    return best


ALLOCATORS: dict[str, Callable[[Rows], npt.NDArray[np.int64]]] = {
    "greedy by size": greedy_by_size,
    "best fit by birth": best_fit_by_birth,
    "hill climb": hill_climb,
}


def instances_of(files: Sequence[Path]) -> Iterator[Instance]:
    """Files in MiniMalloc's format; a capacity is taken from names such as "D.1048576.csv"."""
    for file in files:
        parts = file.name.split(".")
        given = parts[CAPACITY_IN_NAME] if len(parts) == CAPACITY_IN_NAME + 2 else ""
        yield Instance(file.name, read_instance(file).rows, int(given) if given.isdecimal() else None)


def random_instances(seed: int, count: int = 4, capacity: int = 1 << 20) -> Iterator[Instance]:
    """Instances that fit the capacity exactly: a rectangle of time and memory, cut at random into buffers."""
    for number in range(count):
        generator = random.Random(f"{seed} {number}")
        rectangles = [(0, 1000, 0, capacity >> 10)]  # in KiB
        while len(rectangles) < 60 + 30 * number:
            rectangles.sort(key=lambda each: (each[1] - each[0]) * (each[3] - each[2]))
            rectangles += _cut(
                generator, rectangles.pop(generator.randrange(2 * len(rectangles) // 3, len(rectangles)))
            )
        rows = np.array([(begin, end, (top - low) << 10) for begin, end, low, top in rectangles], np.int64)
        yield Instance(f"random {number}, seed {seed}", np.random.default_rng(number).permutation(rows), capacity)


def _cut(generator: random.Random, rectangle: tuple[int, int, int, int]) -> list[tuple[int, int, int, int]]:
    begin, end, low, top = rectangle
    if (end - begin > 1 and generator.random() < 0.5) or top - low < 2:
        time_of_cut = generator.randint(begin + 1, end - 1)
        return [(begin, time_of_cut, low, top), (time_of_cut, end, low, top)]
    height = generator.randint(low + 1, top - 1)
    return [(begin, end, low, height), (begin, end, height, top)]
