"""Kernels: verified, then timed in rounds between measurements of the peak."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from itrt import kernels
from itrt.bench.oracles import Oracle, PortableOracle, verify
from itrt.bench.problems import Problem, make_problem
from itrt.bench.shapes import Shape

_ROUNDS = 5
_MOST_REPEATS = 10_000


@dataclass(frozen=True)
class Round:
    """Seconds of a call, and the peak that was measured just before; None where the instruction set has none."""

    median: float
    best: float
    peak: float | None


@dataclass(frozen=True)
class Row:
    """One kernel on one shape."""

    shape: Shape
    isa: str
    threads: int
    kernel: str
    verified_by: str | None  # None: it is itself what others are held against
    repeats: int  # a round
    rounds: tuple[Round, ...]

    @property
    def seconds(self) -> float:
        """The median of the rounds' medians."""
        return float(np.median([each.median for each in self.rounds]))

    @property
    def best_seconds(self) -> float:
        """Of all calls."""
        return min(each.best for each in self.rounds)

    @property
    def peak(self) -> float | None:
        """The median of the peaks, multiply-accumulates a second."""
        peaks = [each.peak for each in self.rounds if each.peak is not None]
        return float(np.median(peaks)) if peaks else None

    @property
    def share(self) -> float | None:
        """Of the peak: the median over the rounds, each with its own peak."""
        shares = [self.shape.macs / each.median / each.peak for each in self.rounds if each.peak is not None]
        return float(np.median(shares)) if shares and self.shape.macs else None

    @property
    def best_share(self) -> float | None:
        """The fastest call against the highest peak."""
        peaks = [each.peak for each in self.rounds if each.peak is not None]
        return self.shape.macs / self.best_seconds / max(peaks) if peaks and self.shape.macs else None

    def as_json(self) -> dict[str, Any]:
        """Numbers and names, nothing rounded."""
        return {
            "operation": self.shape.operation,
            "shape": self.shape.name,
            "isa": self.isa,
            "threads": self.threads,
            "kernel": self.kernel,
            "verified_by": self.verified_by,
            "macs": self.shape.macs,
            "bytes": self.shape.bytes,
            "nanoseconds": self.seconds * 1e9,
            "best_nanoseconds": self.best_seconds * 1e9,
            "gmacs_a_second": self.shape.macs / self.seconds / 1e9,
            "gbytes_a_second": self.shape.bytes / self.seconds / 1e9,
            "peak_gmacs_a_second": None if self.peak is None else self.peak / 1e9,
            "share_of_peak": self.share,
            "best_share_of_peak": self.best_share,
            "repeats": self.repeats,
            "rounds": [{"median": each.median, "best": each.best, "peak": each.peak} for each in self.rounds],
        }


def measure_shapes(
    shapes: Iterable[Shape],
    isas: Sequence[str],
    threads: Sequence[int],
    oracle: Oracle,
    *,
    seed: int = 0,
    seconds: float = 0.2,
    done: Callable[[Row], None] = lambda row: None,
) -> list[Row]:
    """Every shape on every instruction set and number of threads; a kernel that is wrong is never timed.

    Args:
        shapes: what to compute.
        isas: names of `itrt.kernels.list`.
        threads: at most so many, each.
        oracle: what the outputs are held against.
        seed: of the arrays.
        seconds: about so long a row, all rounds together.
        done: called with every row.

    Raises:
        VerificationError: a kernel gave other bytes than the oracle.

    """
    rows = []
    for shape in shapes:
        problem = make_problem(shape, seed)
        expected = oracle.expected(problem)
        for isa in isas:
            for count in threads:
                rows.append(_measure(problem, isa, count, oracle, expected, seconds))
                done(rows[-1])
    return rows


def _measure(problem: Problem, isa: str, threads: int, oracle: Oracle, expected: NDArray[Any], seconds: float) -> Row:
    operation = problem.prepare(isa)
    call = operation.bind(problem.inputs, threads)
    name = f"{problem.shape.name}, {operation.kernel} ({isa}, threads: {threads})"
    verify(call.run(), expected, name, oracle.name)
    repeats = int(np.clip(seconds / _ROUNDS / call.time(1)[0], 1, _MOST_REPEATS))
    rounds: list[Round] = []
    start = time.perf_counter()
    while len(rounds) < _ROUNDS and (not rounds or time.perf_counter() - start < 4 * seconds):
        peak = kernels.measure_peak(isa, threads) if problem.shape.macs else None
        call.time(1)  # the peak's loop has touched no memory, but other threads of this machine have
        measured = call.time(repeats)
        rounds.append(Round(float(np.median(measured)), float(measured.min()), peak))
    held_against_itself = isa == "portable" and isinstance(oracle, PortableOracle)
    verified_by = None if held_against_itself else oracle.name
    return Row(problem.shape, isa, threads, operation.kernel, verified_by, repeats, tuple(rounds))
