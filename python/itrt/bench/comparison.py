"""The comparison itself: builds the models, times them in turns, and says what follows."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from itrt.bench.contender import Contender
from itrt.bench.environment import environment, installed_bytes
from itrt.bench.execution import executed_kernels
from itrt.bench.fresh import NOTHING, measure_fresh_starts
from itrt.bench.interleave import Timing, time_in_turns
from itrt.bench.results import AnswerCost, Comparison, Execution, IterationTime, Measurement, Start
from itrt.bench.runtimes import ITRT, Runtime, installed
from itrt.bench.statistics import equal_share, fit_line
from itrt.bench.subject import Size, Subject
from itrt.bench.workspace import Task, output_to
from itrt.errors import BenchmarkError
from itrt.loading import load

Progress = Callable[[str], None]
"""Called with what is being done."""


@dataclass(frozen=True)
class Plan:
    """What to measure: ``fit_up_to`` iterations for the line of itrt's time, ``fresh`` starts of new processes."""

    iterations: tuple[int, ...]
    threads: tuple[int, ...]
    sizes: tuple[Size, ...]
    turns: int = 15
    calls: int = 3
    fit_up_to: int = 8
    fresh: int = 5


class _Key(NamedTuple):
    """A contender of one round of turns; those of other answers, or for the line alone, are itrt's."""

    runtime: str
    iterations: int
    other_answers: bool = False


def compare(
    subject: Subject, plan: Plan, peers: Sequence[Runtime], directory: Path, progress: Progress = lambda stage: None
) -> Comparison:
    """Measure itrt and the peers that are installed.

    Parameters
    ----------
    subject
        The network; every runtime gets the same weights and calibration images.
    plan
        What to measure.
    peers
        Those that are wanted.
    directory
        Where models are built; a later comparison in the same one finds the peers' models there.
    progress
        Called with every stage.

    Raises
    ------
    InvalidArgumentError
        If the network cannot run one of the iteration counts.
    BenchmarkError
        If itrt itself fails: there is nothing to compare with then. A peer that fails is skipped and named.
    """
    for count in plan.iterations:
        subject.check_iterations(count)
    present, skipped = installed(peers)
    runner = _Comparer(subject, plan, (ITRT, *present), directory, progress, skipped)
    return runner.run()


class _Comparer:
    """The state of a comparison while it goes on."""

    def __init__(
        self,
        subject: Subject,
        plan: Plan,
        runtimes: Sequence[Runtime],
        directory: Path,
        progress: Progress,
        skipped: dict[str, str],
    ):
        self._subject = subject
        self._plan = plan
        self._runtimes = runtimes
        self._directory = directory
        self._progress = progress
        self._skipped = skipped
        self._measurements: list[Measurement] = []
        self._iteration_times: list[IterationTime] = []
        self._lines: list[IterationTime] = []
        self._answers: list[AnswerCost] = []

    def run(self) -> Comparison:
        built = {size: self._build(size) for size in self._plan.sizes}
        for size, threads in itertools.product(self._plan.sizes, self._plan.threads):
            self._measure(size, threads, built[size])
        return Comparison(
            subject=self._subject.name,
            trained_iterations=self._subject.iterations,
            turns=self._plan.turns,
            calls=self._plan.calls,
            environment=environment(["torch", *dict.fromkeys(runtime.distribution for runtime in self._runtimes)]),
            measurements=tuple(self._measurements),
            iteration_times=tuple(self._iteration_times),
            itrt_lines=tuple(self._lines),
            answers=tuple(self._answers),
            starts=self._starts(built[self._plan.sizes[0]]),
            executions=tuple(self._execution(size, built[size]) for size in self._plan.sizes),
            skipped=self._skipped,
        )

    def _build(self, size: Size) -> dict[_Key, Contender]:
        built = {}
        for runtime, count in itertools.product(self._runtimes, sorted(set(self._plan.iterations))):
            self._progress(f"{runtime.name}: {count} iterations at {size[0]}x{size[1]}")
            task = Task(self._subject, size, count, self._directory)
            try:
                with output_to(self._directory / "build.log"), warnings.catch_warnings():
                    warnings.simplefilter("default")
                    built[_Key(runtime.name, count)] = runtime.contender(task)
            except Exception as error:  # converters of peers raise anything
                if runtime is ITRT:
                    raise
                self._skipped[runtime.name] = f"not built: {type(error).__name__}: {error}"
        if size == self._plan.sizes[0]:
            built.update(self._extra_of_itrt(built))
        return built

    def _extra_of_itrt(self, built: Mapping[_Key, Contender]) -> dict[_Key, Contender]:
        """For the line over all iteration counts, and for the cost of an answer."""
        example = built[_Key(ITRT.name, min(self._plan.iterations))]
        most = min(self._plan.fit_up_to, self._subject.max_iterations or self._plan.fit_up_to)
        extra = {}
        for count in range(1, most + 1):
            arguments = {**example.arguments, "iterations": count}
            extra[_Key(ITRT.name, count)] = replace(example, iterations=count, arguments=arguments)
        if most > 1:
            arguments = {**example.arguments, "iterations": most, "other_answers": True}
            key = _Key(ITRT.name, most, other_answers=True)
            extra[key] = replace(example, iterations=most, arguments=arguments)
        return extra

    def _measure(self, size: Size, threads: int, built: Mapping[_Key, Contender]) -> None:
        contenders = {key: _with_threads(contender, threads) for key, contender in built.items()}
        place = f"{size[0]}x{size[1]}, threads {threads}"
        turns = time_in_turns(
            contenders,
            self._plan.turns,
            self._plan.calls,
            progress=lambda turn: self._progress(f"{place}: turn {turn} of {self._plan.turns}"),
        )
        for key, reason in turns.failures.items():
            if key.runtime == ITRT.name:
                raise BenchmarkError(f"itrt, {key.iterations} iterations, {place}: expected labels, found {reason}")
            self._skipped[f"{key.runtime}, {key.iterations} iterations, {place}"] = reason
        self._add_measurements(size, threads, turns.timings)
        self._add_lines(size, threads, turns.timings)

    def _add_measurements(self, size: Size, threads: int, timings: Mapping[_Key, Timing]) -> None:
        float_labels: dict[int, NDArray[np.uint8]] = {}
        for key, timing in timings.items():
            if key.iterations not in self._plan.iterations or key.other_answers:
                continue
            if key.iterations not in float_labels:
                float_labels[key.iterations] = self._subject.float_labels(size, key.iterations)
            ours = timings[_Key(ITRT.name, key.iterations)]
            self._measurements.append(
                Measurement(
                    runtime=key.runtime,
                    height=size[0],
                    width=size[1],
                    threads=threads,
                    iterations=key.iterations,
                    median_milliseconds=1000 * timing.median,
                    minimum_milliseconds=1000 * timing.minimum,
                    ratio=timing.median / ours.median,
                    equal_to_itrt=equal_share(timing.labels, ours.labels),
                    equal_to_float=equal_share(timing.labels, float_labels[key.iterations]),
                )
            )

    def _add_lines(self, size: Size, threads: int, timings: Mapping[_Key, Timing]) -> None:
        medians = {key: 1000 * timing.median for key, timing in timings.items()}
        for runtime in self._runtimes:
            wanted = {key: value for key, value in medians.items() if key.iterations in self._plan.iterations}
            if line := _line(runtime.name, size, threads, wanted):
                self._iteration_times.append(line)
        others = [key for key in medians if key.other_answers]
        if not others or (line := _line(ITRT.name, size, threads, medians)) is None:
            return
        self._lines.append(line)
        (key,) = others
        milliseconds = medians[key] / (key.iterations - 1)
        self._answers.append(AnswerCost(threads, milliseconds, milliseconds / line.line.slope))

    def _starts(self, built: Mapping[_Key, Contender]) -> tuple[Start, ...]:
        """Of new processes, with the trained number of iterations or the most that are measured."""
        if self._plan.fresh == 0:
            return ()
        self._progress("new processes")
        trained = self._subject.iterations
        count = trained if trained in self._plan.iterations else max(self._plan.iterations)
        threads = self._plan.threads[0]
        measured = {(row.runtime, row.iterations) for row in self._measurements}
        contenders = {
            runtime.name: _with_threads(built[_Key(runtime.name, count)], threads)
            for runtime in self._runtimes
            if (runtime.name, count) in measured
        }
        sizes = {runtime.name: installed_bytes(runtime.distribution) for runtime in self._runtimes}
        return tuple(
            Start(name, start.milliseconds, start.peak_bytes, None if name == NOTHING else sizes[name])
            for name, start in measure_fresh_starts(contenders, self._plan.fresh).items()
        )

    def _execution(self, size: Size, built: Mapping[_Key, Contender]) -> Execution:
        contender = built[_Key(ITRT.name, min(self._plan.iterations))]
        model = load(contender.arguments["model"], threads=self._plan.threads[0])
        return Execution(*size, model.arena_bytes(*size), executed_kernels(model))


def _with_threads(contender: Contender, threads: int) -> Contender:
    return replace(contender, arguments={**contender.arguments, "threads": threads})


def _line(runtime: str, size: Size, threads: int, medians: Mapping[_Key, float]) -> IterationTime | None:
    """Of a runtime's last answers; None where there is only one iteration count."""
    found = {key.iterations: value for key, value in medians.items() if key == _Key(runtime, key.iterations)}
    if len(found) < 2:
        return None
    counts = tuple(sorted(found))
    line = fit_line(counts, [found[count] for count in counts])
    nanoseconds = 1e6 * line.slope / (size[0] * size[1])
    return IterationTime(runtime, *size, threads, counts, line, nanoseconds)
