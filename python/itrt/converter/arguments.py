"""Checks of the converter's arguments: each failure says what was expected and what was found."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from itrt.errors import ConversionError, InvalidArgumentError
from itrt.nn.weights import listed, not_finite
from itrt.quantize import REQUANTIZATIONS, ObserverKind

CHANNELS = 3
_MAX_CLASSES = 65536

Sample = tuple[NDArray[np.uint8], NDArray[np.generic] | None]


def check_network(network: nn.Module) -> None:
    """Raise unless this is a network whose weights are finite."""
    if not isinstance(network, nn.Module):
        raise InvalidArgumentError(f"network: expected a torch.nn.Module, found {type(network).__name__}")
    names = not_finite(network.state_dict())
    if names:
        raise ConversionError(
            f"{type(network).__name__}: expected finite weights, found NaN or infinite values in "
            f"{len(names)} of its tensors: {listed(names)}"
        )


def check_example_input(example: Tensor | None) -> None:
    """Raise unless this is None or one image for the network."""
    if example is None:
        return
    found = f"{example.dtype} {tuple(example.shape)}" if isinstance(example, Tensor) else type(example).__name__
    expected = f"example_input: expected a finite float tensor (1, {CHANNELS}, height, width), found"
    if not isinstance(example, Tensor) or not example.is_floating_point():
        raise InvalidArgumentError(f"{expected} {found}")
    if example.ndim != 4 or example.shape[:2] != (1, CHANNELS) or example.numel() == 0:
        raise InvalidArgumentError(f"{expected} {found}")
    if not bool(torch.isfinite(example).all()):
        raise InvalidArgumentError(f"{expected} NaN or infinite values")


def check_normalization(mean: Sequence[float], std: Sequence[float]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return (mean, std), three finite numbers each, the std positive."""
    checked = []
    for name, values in (("mean", mean), ("std", std)):
        numbers = tuple(float(value) for value in values)
        if len(numbers) != CHANNELS or not all(map(math.isfinite, numbers)):
            raise InvalidArgumentError(f"{name}: expected {CHANNELS} finite numbers, found {values!r}")
        checked.append(numbers)
    if min(checked[1]) <= 0.0:
        raise InvalidArgumentError(f"std: expected positive numbers, found {std!r}")
    if not all(0.0 <= value <= 1.0 for value in checked[0]):
        raise InvalidArgumentError(f"mean: expected numbers on the 0..1 scale, found {mean!r}")
    return checked[0], checked[1]


def check_classes(classes: Sequence[str] | int | None) -> tuple[str, ...] | None:
    """Return the class names, made up for a number of classes; None if the logits' channels decide."""
    if classes is None:
        return None
    if isinstance(classes, int):
        if not 1 <= classes <= _MAX_CLASSES:
            raise InvalidArgumentError(f"classes: expected 1 to {_MAX_CLASSES}, found {classes}")
        return numbered_classes(classes)
    sequence = isinstance(classes, Sequence) and not isinstance(classes, str)
    if not sequence or not all(isinstance(name, str) for name in classes):
        raise InvalidArgumentError(f"classes: expected a sequence of names or a number, found {classes!r}")
    if not 1 <= len(classes) <= _MAX_CLASSES:
        raise InvalidArgumentError(f"classes: expected 1 to {_MAX_CLASSES} names, found {len(classes)}")
    return tuple(classes)


def numbered_classes(count: int) -> tuple[str, ...]:
    """Return names for classes that have none."""
    return tuple(f"class {index}" for index in range(count))


def check_palette(palette: Sequence[Sequence[int]] | None, classes: int) -> tuple[tuple[int, int, int], ...]:
    """Return a color for each class; the default ones, well apart, if None."""
    if palette is None:
        return tuple(_default_color(index) for index in range(classes))
    if len(palette) != classes:
        raise InvalidArgumentError(f"palette: expected {classes} colors, one a class, found {len(palette)}")
    return tuple(_check_color(color) for color in palette)


def _check_color(color: Sequence[int]) -> tuple[int, int, int]:
    values = [int(value) for value in color]
    if len(values) != CHANNELS or not all(0 <= value <= 255 for value in values):
        raise InvalidArgumentError(f"palette: expected colors of three numbers 0..255, found {color!r}")
    return values[0], values[1], values[2]


def _default_color(index: int) -> tuple[int, int, int]:
    """Spread the bits of the index over the high bits of red, green and blue, as Pascal VOC does; never black."""
    color = [0, 0, 0]
    value = index + 1
    for bit in range(7, -1, -1):
        for channel in range(3):
            color[channel] |= ((value >> channel) & 1) << bit
        value >>= 3
    return color[0], color[1], color[2]


def check_observer(kind: str) -> None:
    """Raise unless there is such an observer."""
    if kind not in get_args(ObserverKind):
        raise InvalidArgumentError(f"observer: expected one of {', '.join(get_args(ObserverKind))}, found {kind!r}")


def check_choice(name: str, choice: str) -> None:
    """Raise unless this is one of what an improvement's option can be."""
    if choice not in ("auto", "on", "off"):
        raise InvalidArgumentError(f"{name}: expected one of auto, on, off, found {choice!r}")


def check_requantization(kind: str) -> None:
    """Raise unless there is such a requantization."""
    if kind not in REQUANTIZATIONS:
        raise InvalidArgumentError(f"requantize: expected one of {', '.join(REQUANTIZATIONS)}, found {kind!r}")


def checked_samples(images: Iterable[Any], labels: Iterable[Any] | None) -> Iterator[Sample]:
    """Return an iterator over checked (image, labels or None); the first one is checked at once, the rest in turn."""
    samples = _samples(images, labels)
    first = next(samples, None)
    if first is None:
        raise InvalidArgumentError("calibration: expected at least one image, found none")
    return itertools.chain([first], samples)


def _samples(images: Iterable[Any], labels: Iterable[Any] | None) -> Iterator[Sample]:
    if labels is None:
        for index, image in enumerate(images):
            yield check_image(image, f"calibration image {index}"), None
        return
    missing = object()
    for index, (image, label) in enumerate(itertools.zip_longest(images, labels, fillvalue=missing)):
        if image is missing or label is missing:
            raise InvalidArgumentError(
                f"labels: expected one for each calibration image, found {'more' if image is missing else index}"
            )
        checked = check_image(image, f"calibration image {index}")
        yield checked, _check_labels(label, checked.shape[:2], index)


def check_image(image: Any, what: str) -> NDArray[np.uint8]:
    """Return the image: u8 (height, width, 3), not empty."""
    if not isinstance(image, np.ndarray):
        raise InvalidArgumentError(
            f"{what}: expected a uint8 array (height, width, {CHANNELS}), found {type(image).__name__}"
        )
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != CHANNELS or image.size == 0:
        raise InvalidArgumentError(
            f"{what}: expected a uint8 array (height, width, {CHANNELS}), found {image.dtype} {image.shape}"
        )
    return image


def _check_labels(labels: Any, size: tuple[int, ...], index: int) -> NDArray[np.generic]:
    array = np.asarray(labels)
    if array.shape != size or not np.issubdtype(array.dtype, np.integer):
        raise InvalidArgumentError(f"labels {index}: expected integers {size}, found {array.dtype} {array.shape}")
    return array
