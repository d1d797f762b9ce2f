"""The oracle's operators: docs/numerics.md typed out, in numpy, naive on purpose.

Loops run over terms, taps and channel groups; only pixels are vectorized. Nothing here is shared with the product.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]


@dataclass(frozen=True)
class OracleTerm:
    """One summand: u8 input (h, w, c) with one zero point, or one a channel, and s8 weight (out, kh, kw, c/groups)."""

    input: U8
    zero_points: Sequence[int]
    weight: NDArray[np.int8]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)  # top, left, bottom, right
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1


def output_size(term: OracleTerm) -> tuple[int, int]:
    """Height and width of the result: floor((size + padding - dilation * (kernel - 1) - 1) / stride) + 1."""
    height, width = term.input.shape[:2]
    _, kernel_height, kernel_width, _ = term.weight.shape
    top, left, bottom, right = term.padding
    vertical = (height + top + bottom - term.dilation[0] * (kernel_height - 1) - 1) // term.stride[0] + 1
    horizontal = (width + left + right - term.dilation[1] * (kernel_width - 1) - 1) // term.stride[1] + 1
    return vertical, horizontal


def term_sum(term: OracleTerm) -> NDArray[np.int64]:
    """The term's part of the accumulator, (height, width, out), exact."""
    rows, columns = output_size(term)
    height, width = term.input.shape[:2]
    out, kernel_height, kernel_width, per_group = term.weight.shape
    shifted = term.input.astype(np.int64) - np.asarray(term.zero_points, np.int64)
    top, left = term.padding[:2]
    total = np.zeros((rows, columns, out), np.int64)
    for i in range(kernel_height):
        for j in range(kernel_width):
            y = np.arange(rows) * term.stride[0] + i * term.dilation[0] - top
            x = np.arange(columns) * term.stride[1] + j * term.dilation[1] - left
            inside = ((y >= 0) & (y < height))[:, None] & ((x >= 0) & (x < width))[None, :]
            tap = shifted[np.clip(y, 0, height - 1)[:, None], np.clip(x, 0, width - 1)[None, :]]
            tap = np.where(inside[:, :, None], tap, 0)  # a tap outside the image adds 0
            for group in range(term.groups):
                inputs = slice(group * per_group, (group + 1) * per_group)
                outputs = slice(group * out // term.groups, (group + 1) * out // term.groups)
                weight = term.weight[outputs, i, j, :].astype(np.float64)
                # float64 multiplies and adds these integers exactly (they stay far below 2^53), and fast.
                product = tap[:, :, inputs].astype(np.float64) @ weight.T
                total[:, :, outputs] += product.astype(np.int64)
    return total


def convolution(
    terms: Sequence[OracleTerm],
    bias: NDArray[np.int32],
    scale: NDArray[np.float32],
    zero_point: int,
    clamp: tuple[int, int],
) -> U8:
    """out = int(rne(clamp(f32(f32(acc) * scale), lo - z, hi - z))) + z."""
    accumulator = bias.astype(np.int64) + sum(term_sum(term) for term in terms)
    assert np.abs(accumulator).max(initial=0) < 2**31, "the accumulator left 31 bits"
    as_float = accumulator.astype(np.int32).astype(np.float32)  # i32 to f32 rounds half to even
    return requantize(as_float * scale.astype(np.float32), zero_point, clamp)


def requantize(value: NDArray[np.float32], zero_point: int, clamp: tuple[int, int]) -> U8:
    """The end of a convolution; ``value`` is binary32."""
    assert value.dtype == np.float32
    lower, upper = np.float32(clamp[0] - zero_point), np.float32(clamp[1] - zero_point)
    clamped = np.minimum(np.maximum(value, lower), upper)
    return (np.rint(clamped).astype(np.int32) + zero_point).astype(np.uint8)


def add(
    inputs: Sequence[U8],
    input_zero_points: Sequence[int],
    multipliers: Sequence[int],
    shift: int,
    zero_point: int,
    clamp: tuple[int, int],
) -> U8:
    """sum = sum of multiplier * (input - zero point); floor(sum / 2**shift + 1/2) + zero_point, clamped."""
    total = sum(
        multiplier * (values.astype(np.int64) - input_zero_point)
        for values, input_zero_point, multiplier in zip(inputs, input_zero_points, multipliers, strict=True)
    )
    rounded = (2 * np.asarray(total) + 2**shift) // 2 ** (shift + 1)
    return np.clip(rounded + zero_point, *clamp).astype(np.uint8)


def axis_weights(size: int, target: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """For each output index: the two neighbours' indices, and the second one's weight in 128ths."""
    first = np.zeros(target, np.int64)
    second = np.zeros(target, np.int64)
    weight = np.zeros(target, np.int64)
    for o in range(target):
        n = max((2 * o + 1) * size - target, 0)
        first[o] = min(n // (2 * target), size - 1)
        second[o] = min(first[o] + 1, size - 1)
        weight[o] = (128 * (n % (2 * target)) + target) // (2 * target)
    return first, second, weight


def resampled_sums(values: U8, height: int, width: int) -> NDArray[np.int64]:
    """Sum over the four neighbours of w_vertical * w_horizontal * q, (height, width, channels): 16384 * value."""
    top, bottom, down = axis_weights(values.shape[0], height)
    left, right, across = axis_weights(values.shape[1], width)
    q = values.astype(np.int64)
    down, across = down[:, None, None], across[None, :, None]
    total = (128 - down) * (128 - across) * q[top][:, left]
    total = total + (128 - down) * across * q[top][:, right]
    total = total + down * (128 - across) * q[bottom][:, left]
    result: NDArray[np.int64] = total + down * across * q[bottom][:, right]
    return result


def resize(values: U8, height: int, width: int) -> U8:
    """Bilinear, half-pixel centres; rounds half up."""
    return ((resampled_sums(values, height, width) + 8192) // 16384).astype(np.uint8)


def labels(logits: U8, height: int, width: int) -> NDArray[np.int64]:
    """The class with the largest sum at each pixel of the image; the lowest class wins ties."""
    found: NDArray[np.int64] = np.argmax(resampled_sums(logits, height, width), axis=2)
    return found


def mix_states(stem: U8, other: U8, weight: int) -> U8:
    """The first state of a warm start: `weight` of 256 parts are the other state's."""
    mixed = np.floor(((256 - weight) * stem.astype(np.int64) + weight * other.astype(np.int64) + 128) / 256)
    return mixed.astype(np.uint8)
