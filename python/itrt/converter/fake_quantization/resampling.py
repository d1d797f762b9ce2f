"""Resampling with the integer weights of docs/numerics.md: linear in its input, so its gradient is its own."""

from __future__ import annotations

import torch
from torch import Tensor

from itrt.converter.fake_quantization.straight_through import straight_through


def nearest(x: Tensor, height: int, width: int) -> Tensor:
    """Pixel floor(o * in / out) an axis."""
    for axis, target in ((2, height), (3, width)):
        index = torch.arange(target, device=x.device) * x.shape[axis] // target
        x = x.index_select(axis, index)
    return x


def bilinear(x: Tensor, height: int, width: int, align_corners: bool) -> Tensor:
    """The sum over four neighbours, rounded half up; sums have 22 bits and a sign."""
    for axis, target in ((2, height), (3, width)):
        first, second, weight = _neighbours(x.shape[axis], target, align_corners)
        weight = weight.to(x.device, x.dtype).view((-1, 1) if axis == 2 else (-1,))
        before, behind = (x.index_select(axis, index.to(x.device)) for index in (first, second))
        x = before * (128 - weight) + behind * weight
    return straight_through(x / 16384, torch.floor((x.detach() + 8192) / 16384))


def _neighbours(size: int, target: int, align_corners: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Return the two neighbours of each output pixel of an axis, and the second one's weight in 128ths."""
    index = torch.arange(target)
    if align_corners:
        numerator, denominator = index * (size - 1), max(target - 1, 1)
    else:
        numerator, denominator = ((2 * index + 1) * size - target).clamp(min=0), 2 * target
    first = (numerator // denominator).clamp(max=size - 1)
    weight = (256 * (numerator % denominator) + denominator) // (2 * denominator)
    return first, (first + 1).clamp(max=size - 1), weight
