"""What callers may pass, brought into the one form that the core takes."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from itrt.errors import InvalidArgumentError

_LARGEST = 2**31 - 1


def integer(name: str, value: Any) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise InvalidArgumentError(f"{name}: expected an integer, found {type(value).__name__}") from None
    if abs(number) > _LARGEST:
        raise InvalidArgumentError(f"{name}: expected an integer of at most 31 bits, found {number}")
    return number


def number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise InvalidArgumentError(f"{name}: expected a number, found {value!r}") from None


def pair(name: str, value: int | Sequence[int]) -> tuple[int, int]:
    vertical, horizontal = integers(name, value, {1: (0, 0), 2: (0, 1)})
    return vertical, horizontal


def padding(value: int | Sequence[int]) -> tuple[int, ...]:
    return integers("padding", value, {1: (0, 0, 0, 0), 2: (0, 1, 0, 1), 4: (0, 1, 2, 3)})


def clamp(value: Sequence[int]) -> tuple[int, int]:
    lower, upper = integers("clamp", value, {2: (0, 1)})
    return lower, upper


def integers(name: str, value: Any, layouts: dict[int, tuple[int, ...]]) -> tuple[int, ...]:
    """A number or a sequence of numbers; `layouts` says which element goes where, for each length."""
    elements = [*value] if isinstance(value, Sequence | np.ndarray) and not isinstance(value, str) else [value]
    if len(elements) not in layouts:
        lengths = " or ".join(str(length) for length in layouts)
        raise InvalidArgumentError(f"{name}: expected {lengths} integers, found {len(elements)}")
    numbers = [integer(name, element) for element in elements]
    return tuple(numbers[index] for index in layouts[len(numbers)])


def isa(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise InvalidArgumentError(f"isa: expected the name of an instruction set, found {type(value).__name__}")


def scales(value: ArrayLike, channels: int) -> Any:
    """One number goes to every channel; arrays are checked by the core."""
    if isinstance(value, np.ndarray) and value.ndim:
        return value
    return np.full(channels, number("scale_f32", value), np.float32)


def zero_points(value: ArrayLike) -> NDArray[np.uint8]:
    array = np.atleast_1d(np.asarray(value))
    if array.dtype.kind not in "iu" or array.ndim != 1:
        raise InvalidArgumentError(f"x_zero_point: expected integers, found {array.dtype} of shape {array.shape}")
    if array.size and (array.min() < 0 or array.max() > 255):
        raise InvalidArgumentError(f"x_zero_point: expected 0 .. 255, found {array.min()} .. {array.max()}")
    return array.astype(np.uint8)
