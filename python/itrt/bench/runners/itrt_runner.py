"""itrt: labels from the u8 image."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

import itrt


class OtherAnswers:
    """The labels of every iteration, and what those before the last cost: calls with and without them take turns."""

    def __init__(self, last_answer: Callable[[], NDArray[Any]], all_answers: Callable[[], NDArray[Any]]):
        self._last_answer = last_answer
        self._all_answers = all_answers

    def __call__(self) -> NDArray[Any]:
        return self._all_answers()

    def seconds(self, calls: int) -> list[float]:
        return [_seconds(self._all_answers) - _seconds(self._last_answer) for _ in range(calls)]


def _seconds(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def open_runner(
    model: str, image: str, iterations: int, threads: int, other_answers: bool = False
) -> Callable[[], NDArray[Any]]:
    """Load; with `other_answers` it is the answers before the last that are timed."""
    loaded, pixels = itrt.load(model, threads=threads), np.load(image)

    def last_answer() -> NDArray[Any]:
        return loaded.run(pixels, iterations).labels

    def all_answers() -> NDArray[Any]:
        return [result.labels for result in loaded.stream(pixels, iterations)][-1]

    return OtherAnswers(last_answer, all_answers) if other_answers else last_answer
