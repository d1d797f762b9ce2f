"""How many places of a pooling window count, in integers (docs/numerics.md)."""

from __future__ import annotations

import torch
from torch import Tensor

from itrt.converter.float_operators import FloatPool


def window_counts(operator: FloatPool, size: tuple[int, int], windows: tuple[int, int]) -> Tensor:
    """Return what each window of an average divides by, int64 (height, width).

    Parameters
    ----------
    operator
        An average.
    size, windows
        Height and width of the input and of the output.
    """
    rows, columns = (
        _counts(*arguments, operator.count_padding)
        for arguments in zip(size, windows, operator.kernel, operator.stride, operator.padding, strict=True)
    )
    return rows[:, None] * columns[None, :]


def _counts(size: int, windows: int, kernel: int, stride: int, padding: int, count_padding: bool) -> Tensor:
    """Taps of each window along an axis: inside, or also in the padding, but never beyond it."""
    start = torch.arange(windows) * stride - padding
    first, last = (-padding, size + padding) if count_padding else (0, size)
    return (start + kernel).clamp(max=last) - start.clamp(min=first)


def adaptive_counts(size: tuple[int, int], windows: tuple[int, int]) -> Tensor:
    """Return how many pixels each window of an adaptive average has, int64 (height, width)."""
    rows, columns = (_adaptive(*axis) for axis in zip(size, windows, strict=True))
    return rows[:, None] * columns[None, :]


def _adaptive(size: int, windows: int) -> Tensor:
    index = torch.arange(windows)
    return ((index + 1) * size + windows - 1) // windows - index * size // windows
