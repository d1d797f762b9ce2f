"""The kernels one by one, for tests and benchmarks: each is exact, and every instruction set gives the same bytes.

The formulas are in docs/numerics.md. A function computes once; a class (`Convolution`, `Add`, `Pool` and others)
prepares an operation that is then run, or timed, often. `isa` is one of the names that `list()` shows; None takes
ITRT_ISA, or else the best. An argument of a wrong type, shape or value raises `itrt.errors.InvalidArgumentError`.
"""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import SupportsIndex, TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray

from itrt import _core
from itrt.kernels import arguments
from itrt.kernels.feed_forward import AdaptivePool, Lookup, Multiply, Pool
from itrt.kernels.prepared import Add, Call, Convolution, Labels, Operation, Resize, Term

__all__ = [
    "AdaptivePool",
    "Add",
    "Call",
    "Convolution",
    "KernelRow",
    "Labels",
    "Lookup",
    "Multiply",
    "Operation",
    "Pool",
    "Resize",
    "Term",
    "add",
    "conv2d",
    "labels",
    "list",
    "measure_peak",
    "resize",
]


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


def measure_peak(isa: str | None = None, threads: SupportsIndex = 1) -> float | None:
    """Multiply-accumulates a second of the fastest int8 loop of an instruction set: what kernels can reach at most.

    The best of several bursts of about a millisecond, now: the clock and the machine's other users change it. None for
    portable code, whose limit is the compiler's.
    """
    return _core.kernels.measure_peak(arguments.isa(isa), arguments.integer("threads", threads))


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
    term = Term(w_s8, x_zero_point, stride, padding, dilation, groups)
    return Convolution([term], bias_i32, scale_f32, y_zero_point, clamp, isa).run([x_u8], threads)


def add(
    inputs: Sequence[NDArray[np.uint8]],
    zero_points: Sequence[SupportsIndex],
    multipliers: Sequence[SupportsIndex],
    shift: SupportsIndex,
    y_zero_point: SupportsIndex = 0,
    isa: str | None = None,
    threads: SupportsIndex = 1,
    *,
    clamp: Sequence[int] = (0, 255),
) -> NDArray[np.uint8]:
    """`Add`, once. `inputs` are uint8 arrays of one shape, `threads` is the most that are used."""
    return Add(zero_points, multipliers, shift, y_zero_point, clamp, isa).run(inputs, threads)


def resize(
    x_u8: NDArray[np.uint8],
    height: SupportsIndex,
    width: SupportsIndex,
    isa: str | None = None,
    threads: SupportsIndex = 1,
) -> NDArray[np.uint8]:
    """`Resize`, once."""
    return Resize(height, width, isa).run([x_u8], threads)


def labels(
    logits: NDArray[np.uint8],
    height: SupportsIndex,
    width: SupportsIndex,
    isa: str | None = None,
    threads: SupportsIndex = 1,
) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """`Labels`, once."""
    return Labels(height, width, isa).run([logits], threads)
