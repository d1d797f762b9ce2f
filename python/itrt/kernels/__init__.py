"""The kernels one by one, for tests and benchmarks: each is exact, and every instruction set gives the same bytes.

The formulas are in docs/numerics.md. `isa` is one of the names that `list()` shows; None takes ITRT_ISA, or else the
best. Every function raises `itrt.errors.InvalidArgumentError` for an argument of a wrong type, shape or value.
"""

from __future__ import annotations

import builtins
import operator
from collections.abc import Sequence
from typing import Any, SupportsFloat, SupportsIndex, TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray

from itrt import _core
from itrt.errors import InvalidArgumentError

__all__ = ["KernelRow", "add", "conv2d", "labels", "list", "resize"]


class KernelRow(TypedDict):
    """A kernel that this CPU can run."""

    operation: str
    isa: str
    name: str
    selected: bool  # it is what `isa=None` runs


def list() -> builtins.list[KernelRow]:  # noqa: A001
    """The kernels that this CPU can run, within an operation best first.

    `selected` is what would run now: it honours the environment variable ITRT_ISA.
    """
    rows: builtins.list[KernelRow] = _core.kernels.list_kernels()
    return rows


def conv2d(
    x_u8: NDArray[np.uint8],
    w_s8: NDArray[np.int8],
    bias_i32: NDArray[np.int32] | None,
    scale_f32: ArrayLike,
    x_zero_point: ArrayLike = 0,
    y_zero_point: SupportsIndex = 0,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: SupportsIndex = 1,
    isa: str | None = None,
    threads: SupportsIndex = 1,
    *,
    clamp: Sequence[int] = (0, 255),
) -> NDArray[np.uint8]:
    """A quantized convolution: ONNX QLinearConv with `scale_f32` = x scale * w scale / y scale.

    Args:
        x_u8: uint8 (H, W, C) or (N, H, W, C).
        w_s8: int8 (O, kernel height, kernel width, C / groups).
        bias_i32: int32 (O,), or None for zeros.
        scale_f32: float32 (O,), or one number; finite, of any sign.
        x_zero_point: 0 .. 255, one number or one a channel; padding has this value.
        y_zero_point: 0 .. 255.
        stride: one number or (vertical, horizontal).
        padding: one number, (vertical, horizontal) or (top, left, bottom, right).
        dilation: one number or (vertical, horizontal).
        groups: divides C and O.
        isa: an instruction set that `list()` names.
        threads: at most this many.
        clamp: lowest and highest stored result.

    Returns:
        uint8 (H', W', O) or (N, H', W', O).

    """
    channels = w_s8.shape[0] if isinstance(w_s8, np.ndarray) and w_s8.ndim else 1
    result: NDArray[np.uint8] = _core.kernels.conv2d(
        x_u8,
        w_s8,
        np.zeros(channels, np.int32) if bias_i32 is None else bias_i32,
        _scales(scale_f32, channels),
        _zero_points(x_zero_point),
        _integer("y_zero_point", y_zero_point),
        _pair("stride", stride),
        _integers("padding", padding, {1: (0, 0, 0, 0), 2: (0, 1, 0, 1), 4: (0, 1, 2, 3)}),
        _pair("dilation", dilation),
        _integer("groups", groups),
        _clamp(clamp),
        _isa(isa),
        _integer("threads", threads),
    )
    return result


def add(
    inputs: Sequence[NDArray[np.uint8]],
    zero_points: Sequence[SupportsIndex],
    multipliers: Sequence[SupportsFloat],
    y_zero_point: SupportsIndex = 0,
    isa: str | None = None,
    threads: SupportsIndex = 1,
    *,
    clamp: Sequence[int] = (0, 255),
) -> NDArray[np.uint8]:
    """The sum of multiplier * (input - zero point), in float32 from left to right, rounded to uint8.

    Args:
        inputs: uint8 arrays of one shape; with one of them this is a requantization.
        zero_points: one an input, 0 .. 255.
        multipliers: one an input, finite.
        y_zero_point: 0 .. 255.
        isa: an instruction set that `list()` names.
        threads: at most this many.
        clamp: lowest and highest stored result.

    """
    if not isinstance(inputs, Sequence):
        raise InvalidArgumentError(f"inputs: expected a sequence of uint8 arrays, found {type(inputs).__name__}")
    result: NDArray[np.uint8] = _core.kernels.add(
        [*inputs],
        [_integer("zero_points", value) for value in zero_points],
        [_number("multipliers", value) for value in multipliers],
        _integer("y_zero_point", y_zero_point),
        _clamp(clamp),
        _isa(isa),
        _integer("threads", threads),
    )
    return result


def resize(
    x_u8: NDArray[np.uint8],
    height: SupportsIndex,
    width: SupportsIndex,
    isa: str | None = None,
    threads: SupportsIndex = 1,
) -> NDArray[np.uint8]:
    """Bilinear resampling, half-pixel centres, of a uint8 (H, W, C) array to (height, width, C)."""
    result: NDArray[np.uint8] = _core.kernels.resize(
        x_u8, _integer("height", height), _integer("width", width), _isa(isa), _integer("threads", threads)
    )
    return result


def labels(
    logits: NDArray[np.uint8],
    height: SupportsIndex,
    width: SupportsIndex,
    isa: str | None = None,
    threads: SupportsIndex = 1,
) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """The classes with the largest logit after bilinear resampling without rounding; the lowest class wins ties.

    Args:
        logits: uint8 (H, W, classes).
        height: of the result.
        width: of the result.
        isa: an instruction set that `list()` names.
        threads: at most this many.

    Returns:
        (height, width), uint8 up to 256 classes, else uint16.

    """
    result: NDArray[np.uint8] | NDArray[np.uint16] = _core.kernels.labels(
        logits, _integer("height", height), _integer("width", width), _isa(isa), _integer("threads", threads)
    )
    return result


_LARGEST = 2**31 - 1


def _integer(name: str, value: Any) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise InvalidArgumentError(f"{name}: expected an integer, found {type(value).__name__}") from None
    if abs(number) > _LARGEST:
        raise InvalidArgumentError(f"{name}: expected an integer of at most 31 bits, found {number}")
    return number


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise InvalidArgumentError(f"{name}: expected a number, found {value!r}") from None


def _pair(name: str, value: int | Sequence[int]) -> tuple[int, int]:
    vertical, horizontal = _integers(name, value, {1: (0, 0), 2: (0, 1)})
    return vertical, horizontal


def _clamp(value: Sequence[int]) -> tuple[int, int]:
    lower, upper = _integers("clamp", value, {2: (0, 1)})
    return lower, upper


def _integers(name: str, value: Any, layouts: dict[int, tuple[int, ...]]) -> tuple[int, ...]:
    """A number or a sequence of numbers; `layouts` says which element goes where, for each length."""
    elements = [*value] if isinstance(value, Sequence | np.ndarray) and not isinstance(value, str) else [value]
    if len(elements) not in layouts:
        lengths = " or ".join(str(length) for length in layouts)
        raise InvalidArgumentError(f"{name}: expected {lengths} integers, found {len(elements)}")
    numbers = [_integer(name, element) for element in elements]
    return tuple(numbers[index] for index in layouts[len(numbers)])


def _isa(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise InvalidArgumentError(f"isa: expected the name of an instruction set, found {type(value).__name__}")


def _scales(value: ArrayLike, channels: int) -> Any:
    """One number goes to every channel; arrays are checked by the core."""
    if isinstance(value, np.ndarray) and value.ndim:
        return value
    return np.full(channels, _number("scale_f32", value), np.float32)


def _zero_points(value: ArrayLike) -> NDArray[np.uint8]:
    array = np.atleast_1d(np.asarray(value))
    if array.dtype.kind not in "iu" or array.ndim != 1:
        raise InvalidArgumentError(f"x_zero_point: expected integers, found {array.dtype} of shape {array.shape}")
    if array.size and (array.min() < 0 or array.max() > 255):
        raise InvalidArgumentError(f"x_zero_point: expected 0 .. 255, found {array.min()} .. {array.max()}")
    return array.astype(np.uint8)
