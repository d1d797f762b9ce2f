"""What a comparison found."""

from __future__ import annotations

from dataclasses import dataclass, field

from itrt.bench.environment import Environment
from itrt.bench.statistics import Line


@dataclass(frozen=True)
class Measurement:
    """Runs of one runtime, from image to labels; ``ratio`` is its median by itrt's of the same turns."""

    runtime: str
    height: int
    width: int
    threads: int
    iterations: int
    median_milliseconds: float
    minimum_milliseconds: float
    ratio: float
    equal_to_itrt: float
    equal_to_float: float


@dataclass(frozen=True)
class IterationTime:
    """The line through a runtime's medians over the iterations, in milliseconds; a pixel is one of the image."""

    runtime: str
    height: int
    width: int
    threads: int
    counts: tuple[int, ...]
    line: Line
    nanoseconds_a_pixel: float


@dataclass(frozen=True)
class AnswerCost:
    """What one more answer of itrt takes, in milliseconds and as a share of an iteration."""

    threads: int
    milliseconds: float
    share_of_iteration: float


@dataclass(frozen=True)
class Start:
    """A new process of a runtime, and its size on disk (None where nothing is installed for it)."""

    runtime: str
    milliseconds: float
    peak_bytes: int
    installed_bytes: int | None


@dataclass(frozen=True)
class Execution:
    """What ran in itrt at a size."""

    height: int
    width: int
    arena_bytes: int
    kernels: tuple[dict[str, object], ...]


@dataclass(frozen=True)
class Comparison:
    """Everything that was measured; ``skipped`` says why a runtime is not, or not everywhere, among the rows."""

    subject: str
    trained_iterations: int
    turns: int
    calls: int
    environment: Environment
    measurements: tuple[Measurement, ...]
    iteration_times: tuple[IterationTime, ...]
    itrt_lines: tuple[IterationTime, ...]
    answers: tuple[AnswerCost, ...]
    starts: tuple[Start, ...]
    executions: tuple[Execution, ...]
    skipped: dict[str, str] = field(default_factory=dict)

    def speedups(self) -> dict[tuple[str, int, int, int], float]:
        """By (runtime, height, width, iterations): the time of the fewest threads by that of the most."""
        groups: dict[tuple[str, int, int, int], dict[int, float]] = {}
        for row in self.measurements:
            key = (row.runtime, row.height, row.width, row.iterations)
            groups.setdefault(key, {})[row.threads] = row.median_milliseconds
        return {key: times[min(times)] / times[max(times)] for key, times in groups.items() if len(times) > 1}
