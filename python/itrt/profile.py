"""Where the time of a run goes, operator by operator."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from itrt import _core

Section = Literal["stem", "block", "head", "labels"]
Shape = tuple[int, int, int]
"""Height, width, channels."""


@dataclass(frozen=True)
class ProfileRow:
    """An operator's execution, or, of `Profile.totals`, all of a run: ``executions`` says how many.

    ``kind`` is the operator's in the file, such as "convolution", or "labels", or "copy": of the image into the arena,
    and of the state at the end of an iteration (about 0 ms where the next state is written in its place). ``step`` is
    the iteration, from 0; None in the stem and for a total.
    """

    section: Section
    step: int | None
    operator: str
    kind: str
    shape: Shape
    macs: int
    milliseconds: float
    executions: int = 1

    @property
    def gmacs_per_second(self) -> float:
        """Billions of multiply-accumulates a second; 0 where there are none."""
        return self.macs / (self.milliseconds * 1e6) if self.milliseconds > 0 else 0.0


@dataclass(frozen=True)
class Profile:
    """A run from image to labels; the milliseconds of a row are the median over ``repeats`` runs."""

    model: str
    height: int
    width: int
    iterations: int
    threads: int
    isa: str
    repeats: int
    rows: tuple[ProfileRow, ...]

    @property
    def milliseconds(self) -> float:
        """Of all rows."""
        return sum(row.milliseconds for row in self.rows)

    @property
    def convolution_milliseconds(self) -> float:
        """Of the convolutions; the rest is everything else."""
        return sum(row.milliseconds for row in self.rows if row.kind == "convolution")

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the whole run."""
        return sum(row.macs for row in self.rows)

    def totals(self) -> tuple[ProfileRow, ...]:
        """The rows with the iterations added up, in the order of the first execution."""
        groups: dict[tuple[str, str, str], list[ProfileRow]] = {}
        for row in self.rows:
            groups.setdefault((row.section, row.operator, row.kind), []).append(row)
        return tuple(
            replace(
                group[0],
                step=None,
                macs=sum(row.macs for row in group),
                milliseconds=sum(row.milliseconds for row in group),
                executions=len(group),
            )
            for group in groups.values()
        )


class Profiler:
    """Runs a program again and again with a clock that is read after every operator.

    Operators run one by one, as they are in the file: what the runtime would fuse shows separately.
    """

    def __init__(self, program: _core.Program, height: int, width: int, threads: int):
        self._program = program
        self._size = (height, width)
        self._threads = threads
        self._session = _core.Session(program, height, width, threads, fusion=False)
        self._session.measure(True)
        self._operators = {(row.section, row.output): row for row in program.operators}
        self._shapes: dict[int, Shape] = {}

    def rows(self, pixels: NDArray[np.uint8], iterations: int, repeats: int) -> tuple[ProfileRow, ...]:
        """The medians of `repeats` runs, after one that is not counted."""
        self._run(pixels, iterations)
        runs = [self._run(pixels, iterations) for _ in range(repeats)]
        medians = np.median([[row.milliseconds for row in run] for run in runs], axis=0)
        return tuple(replace(row, milliseconds=float(median)) for row, median in zip(runs[0], medians, strict=True))

    def _run(self, pixels: NDArray[np.uint8], iterations: int) -> list[ProfileRow]:
        last = iterations - 1
        self._session.start(pixels)
        rows = list(self._take("stem", None))
        for step in range(iterations):
            self._session.iterate()
            rows += self._take("block", step)
        quantized = self._session.answer()
        rows += self._take("head", last)
        begin = time.perf_counter()
        self._program.labels(quantized, *self._size, self._threads)
        milliseconds = 1000 * (time.perf_counter() - begin)
        return [*rows, ProfileRow("labels", last, "labels", "labels", (*self._size, 1), 0, milliseconds)]

    def _take(self, section: Section, step: int | None) -> Iterator[ProfileRow]:
        for tensor, height, width, seconds in self._session.take_times():
            if tensor is not None:
                yield self._row(section, step, tensor, (height, width), 1000 * seconds)
            elif section == "block" and (state := self._program.state) is not None:
                name = self._program.tensors[state].name
                yield ProfileRow(section, step, name, "copy", self._shapes[state], 0, 1000 * seconds)

    def _row(
        self, section: Section, step: int | None, tensor: int, size: tuple[int, int], milliseconds: float
    ) -> ProfileRow:
        described = self._program.tensors[tensor]
        shape = (*size, described.channels)
        self._shapes[tensor] = shape
        operator = self._operators.get((section, tensor))
        if operator is None:  # the image, which no operator writes
            return ProfileRow(section, step, described.name, "copy", shape, 0, milliseconds)
        macs = size[0] * size[1] * operator.macs_per_pixel
        return ProfileRow(section, step, operator.name, operator.kind, shape, macs, milliseconds)
