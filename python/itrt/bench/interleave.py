"""Timing in turns: each contender lives in a process of its own, and they take turns, so that drift hits all alike."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[Any]
Opener = Callable[[], Callable[[], Labels]]
"""Runs in the contender's process: loads everything and returns the function to time."""


@dataclass(frozen=True)
class Timing:
    """Seconds of every timed call, and what the function returned."""

    seconds: NDArray[np.float64]
    labels: Labels

    @property
    def median(self) -> float:
        """In seconds."""
        return float(np.median(self.seconds))


def time_in_turns(openers: Mapping[str, Opener], turns: int, calls: int) -> dict[str, Timing]:
    """Time all contenders: `turns` rounds in which each makes `calls` calls, after one round to warm up.

    The openers must be picklable: they are sent to new processes.
    """
    context = multiprocessing.get_context("spawn")
    workers: dict[str, tuple[Any, Connection]] = {}
    for name, opener in openers.items():
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(opener, theirs), daemon=True)
        process.start()
        workers[name] = (process, ours)
    seconds: dict[str, list[float]] = {name: [] for name in workers}
    labels = {name: connection.recv() for name, (_, connection) in workers.items()}
    for turn in range(turns + 1):
        for name, (_, connection) in workers.items():
            connection.send(calls)
            measured = connection.recv()
            if turn > 0:
                seconds[name].extend(measured)
    for process, connection in workers.values():
        connection.send(None)
        process.join()
    return {name: Timing(np.array(seconds[name]), labels[name]) for name in workers}


def _serve(opener: Opener, connection: Connection) -> None:
    call = opener()
    connection.send(call())
    while (calls := connection.recv()) is not None:
        measured = []
        for _ in range(calls):
            start = time.perf_counter()
            call()
            measured.append(time.perf_counter() - start)
        connection.send(measured)
