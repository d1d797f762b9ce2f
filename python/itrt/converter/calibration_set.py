"""Calibration images from files: which ones to take, and reading them one at a time."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from itrt.errors import InvalidArgumentError
from itrt.images import read_image

Item = TypeVar("Item")


class ImageFiles:
    """Images in files, u8 (height, width, 3), each read when its turn comes; may be iterated again."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = tuple(paths)

    def __len__(self) -> int:
        return len(self._paths)

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        return (read_image(path) for path in self._paths)


def choose(items: Sequence[Item], count: int) -> list[Item]:
    """Return ``count`` items, or all if there are fewer: a fixed random choice, as neighbours in a video are alike."""
    if count < 1:
        raise InvalidArgumentError(f"calibration: expected at least 1 image, found a count of {count}")
    return random.Random(0).sample(list(items), min(count, len(items)))
