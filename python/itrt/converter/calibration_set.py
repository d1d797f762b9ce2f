"""Calibration images from files: which ones to take, and reading them one at a time."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from itrt.errors import InvalidArgumentError, MissingFileError
from itrt.images import read_image

_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".ppm"})

Item = TypeVar("Item")


class ImageFiles:
    """Images in files, u8 (height, width, 3), each read when its turn comes; may be iterated again."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = tuple(paths)

    def __len__(self) -> int:
        return len(self._paths)

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        return (read_image(path) for path in self._paths)


class LabelFiles:
    """Label pictures in files, integers (height, width): the pixel values themselves, not a palette's colors."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = tuple(paths)

    def __len__(self) -> int:
        return len(self._paths)

    def __iter__(self) -> Iterator[NDArray[np.generic]]:
        return (_read_labels(path) for path in self._paths)


def images_in(directory: Path) -> list[Path]:
    """Return the image files directly in a directory, sorted by name.

    Raises
    ------
    MissingFileError
        If there is no such directory, or no image in it.
    """
    if not directory.is_dir():
        raise MissingFileError(f"calibration: expected a directory of images, found no directory {directory}")
    paths = sorted(path for path in directory.iterdir() if path.suffix.lower() in _SUFFIXES and path.is_file())
    if not paths:
        raise MissingFileError(
            f"calibration: expected images ({', '.join(sorted(_SUFFIXES))}) in {directory}, found none"
        )
    return paths


def choose(items: Sequence[Item], count: int) -> list[Item]:
    """Return ``count`` items, or all if there are fewer: a fixed random choice, as neighbours in a video are alike."""
    if count < 1:
        raise InvalidArgumentError(f"calibration: expected at least 1 image, found a count of {count}")
    return random.Random(0).sample(list(items), min(count, len(items)))


def _read_labels(path: Path) -> NDArray[np.generic]:
    import PIL.Image  # only label pictures need it here; read_image has said so already where it is missing

    with PIL.Image.open(path) as picture:
        return np.array(picture)
