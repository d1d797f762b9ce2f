"""itrt: labels from the u8 image."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

import itrt


def open_runner(
    model: str, image: str, iterations: int, threads: int, every_answer: bool = False
) -> Callable[[], NDArray[Any]]:
    """Load; with `every_answer` the labels of every iteration are computed and the last are returned."""
    loaded, pixels = itrt.load(model, threads=threads), np.load(image)

    def last_answer() -> NDArray[Any]:
        return loaded.run(pixels, iterations).labels

    def all_answers() -> NDArray[Any]:
        return [result.labels for result in loaded.stream(pixels, iterations)][-1]

    return all_answers if every_answer else last_answer
