"""docs/numerics.md in torch: integers that floating point holds exactly, activations less their zero points.

A sum of products is exact in float64, and in float32 as long as it stays below 2^24. Everything else here is exact in
both. Nothing here has a gradient.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def requantized(accumulator: Tensor, scale: Tensor) -> Tensor:
    """rne(f32(f32(acc) * scale)), before the clamp; the scale is float32."""
    return (accumulator.float() * scale).round()


def requantized_in_fixed_point(accumulator: Tensor, multiplier: Tensor, shift: Tensor) -> Tensor:
    """rne(acc * multiplier / 2^shift), before the clamp: the product has 46 bits, which float64 holds."""
    return torch.ldexp(accumulator.double() * multiplier, -shift.int()).round()


def fixed_point_sum(inputs: Sequence[Tensor], multipliers: Sequence[int], shift: int) -> Tensor:
    """floor(sum of multiplier * input / 2^shift + 1/2), int64."""
    total = sum(multiplier * x.long() for x, multiplier in zip(inputs, multipliers, strict=True))
    return _shifted(torch.as_tensor(total), shift)


def fixed_point_product(first: Tensor, second: Tensor, multiplier: int, shift: int) -> Tensor:
    """floor(first * second * multiplier / 2^shift + 1/2), int64."""
    return _shifted(first.long() * second.long() * multiplier, shift)


def fixed_point_average(total: Tensor, counts: Tensor, multiplier: int, shift: int) -> Tensor:
    """floor((S * multiplier) / (n * 2^shift) + 1/2), int64; ``counts`` are n of each window, (height, width)."""
    denominator = counts * 2**shift
    return torch.div(2 * total.long() * multiplier + denominator, 2 * denominator, rounding_mode="floor")


def looked_up(table: Tensor, stored: Tensor) -> Tensor:
    """Entries of a table (1 or channels, 256) for stored values 0..255, (N, channels, height, width)."""
    channels = torch.arange(table.shape[0], device=table.device).view(1, -1, 1, 1)
    return table[channels, stored.long()]


def _shifted(total: Tensor, shift: int) -> Tensor:
    """floor(total / 2^shift + 1/2): an integer shift rounds down."""
    return torch.bitwise_right_shift(2 * total + 2**shift, shift + 1)
