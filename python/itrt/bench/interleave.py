"""Timing in turns: each contender lives in a process of its own, and they take turns, so that drift hits all alike."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[Any]
Opener = Callable[[], Callable[[], Labels]]
"""Runs in the contender's process: loads everything and returns the function to time."""

Key = TypeVar("Key", bound=Hashable)

_WARM_UP_CALLS = 3  # PyTorch goes on optimizing in its second and third call


@runtime_checkable
class SelfTimed(Protocol):
    """A function to time that can leave out what is not to be compared."""

    def seconds(self, calls: int) -> list[float]:
        """Of so many calls, each."""


@dataclass(frozen=True)
class Timing:
    """Seconds of every timed call, and what the function returned."""

    seconds: NDArray[np.float64]
    labels: Labels

    @property
    def median(self) -> float:
        """In seconds."""
        return float(np.median(self.seconds))

    @property
    def minimum(self) -> float:
        """In seconds."""
        return float(np.min(self.seconds))


@dataclass(frozen=True)
class Turns(Generic[Key]):
    """What was measured, and why the contenders that could not run could not."""

    timings: dict[Key, Timing]
    failures: dict[Key, str]


def time_in_turns(
    openers: Mapping[Key, Opener],
    turns: int,
    calls: int,
    pause: float = 0.05,
    progress: Callable[[int], None] = lambda turn: None,
) -> Turns[Key]:
    """Time all contenders: `turns` rounds in which each makes `calls` calls after one that is not timed.

    Parameters
    ----------
    openers
        Picklable: they are sent to new processes.
    turns, calls
        Rounds, and timed calls of a contender in each.
    pause
        Seconds of rest before a turn: the threads of a runtime may spin for a while after its last call.
    progress
        Called with the number of rounds that are done.
    """
    context = multiprocessing.get_context("spawn")
    workers: dict[Key, tuple[BaseProcess, Connection]] = {}
    for key, opener in openers.items():
        ours, theirs = context.Pipe()
        process: BaseProcess = context.Process(target=_serve, args=(opener, theirs), daemon=True)
        process.start()
        theirs.close()  # so that a process that dies is the end of the pipe
        workers[key] = (process, ours)
    failures: dict[Key, str] = {}
    labels: dict[Key, Labels] = {}
    seconds: dict[Key, list[float]] = {key: [] for key in workers}
    for key, (_, connection) in workers.items():
        _receive(connection, key, labels.__setitem__, failures)
    for turn in range(turns):
        for key, (_, connection) in workers.items():
            if key not in failures:
                time.sleep(pause)
                connection.send(calls)
                _receive(connection, key, lambda key, measured: seconds[key].extend(measured), failures)
        progress(turn + 1)
    for key, (process, connection) in workers.items():
        if key not in failures:
            connection.send(None)
        process.join()
    timings = {key: Timing(np.array(seconds[key]), labels[key]) for key in workers if key not in failures}
    return Turns(timings, failures)


def _receive(connection: Connection, key: Key, keep: Callable[[Key, Any], None], failures: dict[Key, str]) -> None:
    try:
        found = connection.recv()
    except EOFError:
        failures[key] = "the process died"
        return
    if isinstance(found, str):
        failures[key] = found
    else:
        keep(key, found)


def _serve(opener: Opener, connection: Connection) -> None:
    try:
        call = opener()
        for _ in range(_WARM_UP_CALLS - 1):
            call()
        connection.send(call())
        while (calls := connection.recv()) is not None:
            connection.send(_seconds(call, calls))
    except Exception as error:  # a peer may raise anything: it is reported, and the others go on
        connection.send(f"{type(error).__name__}: {error}")


def _seconds(call: Callable[[], Labels], calls: int) -> list[float]:
    call()  # the caches are full of the others' data
    if isinstance(call, SelfTimed):
        return call.seconds(calls)
    measured = []
    for _ in range(calls):
        start = time.perf_counter()
        call()
        measured.append(time.perf_counter() - start)
    return measured
