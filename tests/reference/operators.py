"""The oracle's operators: docs/numerics.md typed out, in numpy, naive on purpose.

Loops run over terms, taps and channel groups; only pixels are vectorized. Nothing here is shared with the product.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from itrt.format import Pool

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


def fixed_convolution(
    terms: Sequence[OracleTerm],
    bias: NDArray[np.int32],
    multiplier: NDArray[np.int16],
    shift: NDArray[np.uint8],
    zero_point: int,
    clamp: tuple[int, int],
) -> U8:
    """out = clamp(rne(acc * multiplier / 2**shift) + z, lo, hi); binary64 has the 46 bits of every product."""
    accumulator = bias.astype(np.int64) + sum(term_sum(term) for term in terms)
    assert np.abs(accumulator).max(initial=0) < 2**31, "the accumulator left 31 bits"
    products = (accumulator * multiplier.astype(np.int64)).astype(np.float64)
    rounded = np.rint(np.ldexp(products, -shift.astype(np.int64)))
    return np.clip(rounded + zero_point, *clamp).astype(np.uint8)


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


def axis_weights(
    size: int, target: int, align_corners: bool = False
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """For each output index: the two neighbours' indices, and the second one's weight in 128ths."""
    first = np.zeros(target, np.int64)
    second = np.zeros(target, np.int64)
    weight = np.zeros(target, np.int64)
    for o in range(target):
        if align_corners:  # position n / d = o * (size - 1) / (target - 1)
            n, d = o * (size - 1), max(target - 1, 1)
        else:
            n, d = max((2 * o + 1) * size - target, 0), 2 * target
        first[o] = min(n // d, size - 1)
        second[o] = min(first[o] + 1, size - 1)
        weight[o] = (2 * 128 * (n % d) + d) // (2 * d)
    return first, second, weight


def resampled_sums(values: U8, height: int, width: int, align_corners: bool = False) -> NDArray[np.int64]:
    """Sum over the four neighbours of w_vertical * w_horizontal * q, (height, width, channels): 16384 * value."""
    top, bottom, down = axis_weights(values.shape[0], height, align_corners)
    left, right, across = axis_weights(values.shape[1], width, align_corners)
    q = values.astype(np.int64)
    down, across = down[:, None, None], across[None, :, None]
    total = (128 - down) * (128 - across) * q[top][:, left]
    total = total + (128 - down) * across * q[top][:, right]
    total = total + down * (128 - across) * q[bottom][:, left]
    result: NDArray[np.int64] = total + down * across * q[bottom][:, right]
    return result


def resize(values: U8, height: int, width: int, align_corners: bool = False) -> U8:
    """Bilinear, half-pixel centres or aligned corners; rounds half up."""
    return ((resampled_sums(values, height, width, align_corners) + 8192) // 16384).astype(np.uint8)


def resize_nearest(values: U8, height: int, width: int) -> U8:
    """Pixel floor(o * in / out) an axis."""
    rows = np.arange(height) * values.shape[0] // height
    columns = np.arange(width) * values.shape[1] // width
    return values[rows][:, columns]


def labels(logits: U8, height: int, width: int) -> NDArray[np.int64]:
    """The class with the largest sum at each pixel of the image; the lowest class wins ties."""
    found: NDArray[np.int64] = np.argmax(resampled_sums(logits, height, width), axis=2)
    return found


def mix_states(stem: U8, other: U8, weight: int) -> U8:
    """The first state of a warm start: `weight` of 256 parts are the other state's."""
    mixed = np.floor(((256 - weight) * stem.astype(np.int64) + weight * other.astype(np.int64) + 128) / 256)
    return mixed.astype(np.uint8)


def pooled_extent(
    size: int, kernel: int, stride: int, padding: tuple[int, int], dilation: int = 1, ceil: bool = False
) -> int:
    """How many windows there are along an axis; ``padding`` is before and behind."""
    before, behind = padding
    room = size + before + behind - dilation * (kernel - 1) - 1
    if not ceil:
        return room // stride + 1
    count = -(-room // stride) + 1
    return count - 1 if (count - 1) * stride >= size + before else count


def _pooled_size(values: U8, pool: Pool) -> tuple[int, int]:
    top, left, bottom, right = pool.padding
    (down, across), (high, wide) = pool.stride, pool.kernel
    return (
        pooled_extent(values.shape[0], high, down, (top, bottom), pool.dilation[0], pool.ceil),
        pooled_extent(values.shape[1], wide, across, (left, right), pool.dilation[1], pool.ceil),
    )


def max_pool(values: U8, pool: Pool) -> U8:
    """The largest stored value of the taps inside the input; 0 where there is none."""
    height, width, channels = values.shape
    rows, columns = _pooled_size(values, pool)
    result = np.zeros((rows, columns, channels), np.uint8)
    for o in range(rows):
        for p in range(columns):
            for i in range(pool.kernel[0]):
                for j in range(pool.kernel[1]):
                    y = o * pool.stride[0] + i * pool.dilation[0] - pool.padding[0]
                    x = p * pool.stride[1] + j * pool.dilation[1] - pool.padding[1]
                    if 0 <= y < height and 0 <= x < width:
                        result[o, p] = np.maximum(result[o, p], values[y, x])
    return result


def average_pool(values: U8, zero_point: int, pool: Pool, output_zero_point: int) -> U8:
    """The average of the counted places of each window, requantized."""
    height, width, channels = values.shape
    rows, columns = _pooled_size(values, pool)
    top, left, bottom, right = pool.padding
    result = np.zeros((rows, columns, channels), np.uint8)
    for o in range(rows):
        for p in range(columns):
            y, x = o * pool.stride[0] - top, p * pool.stride[1] - left
            window = values[max(y, 0) : y + pool.kernel[0], max(x, 0) : x + pool.kernel[1]]
            counted = window.shape[0] * window.shape[1]
            if pool.count_padding:  # what ceil adds beyond the padding never counts
                counted_rows = min(y + pool.kernel[0], height + bottom) - y
                counted_columns = min(x + pool.kernel[1], width + right) - x
                counted = counted_rows * counted_columns
            result[o, p] = average(window, zero_point, counted, pool.multiplier, pool.shift, output_zero_point)
    return result


def average(window: U8, zero_point: int, count: int, multiplier: int, shift: int, output_zero_point: int) -> U8:
    """floor((sum of (q - zero point) * multiplier) / (count * 2**shift) + 1/2) + output zero point, (channels,)."""
    total = (window.astype(np.int64) - zero_point).sum(axis=(0, 1)) * multiplier
    denominator = count * 2**shift
    rounded = (2 * total + denominator) // (2 * denominator)
    return np.clip(rounded + output_zero_point, 0, 255).astype(np.uint8)


def adaptive_average_pool(
    values: U8, zero_point: int, size: tuple[int, int], multiplier: int, shift: int, output_zero_point: int
) -> U8:
    """Windows from floor(o * in / out) to ceil((o + 1) * in / out)."""
    height, width, channels = values.shape
    result = np.zeros((*size, channels), np.uint8)
    for o in range(size[0]):
        for p in range(size[1]):
            rows = slice(o * height // size[0], -(-(o + 1) * height // size[0]))
            columns = slice(p * width // size[1], -(-(p + 1) * width // size[1]))
            window = values[rows, columns]
            count = window.shape[0] * window.shape[1]
            result[o, p] = average(window, zero_point, count, multiplier, shift, output_zero_point)
    return result


def lookup(values: U8, table: U8) -> U8:
    """out = table[channel][q]; a table of one row is every channel's."""
    rows = np.arange(values.shape[2]) if table.shape[0] > 1 else np.zeros(values.shape[2], np.int64)
    result: U8 = table[rows[None, None, :], values]
    return result


def multiply(
    inputs: tuple[U8, U8],
    input_zero_points: tuple[int, int],
    multiplier: int,
    shift: int,
    zero_point: int,
    clamp: tuple[int, int],
) -> U8:
    """floor((a - z_a) * (b - z_b) * multiplier / 2**shift + 1/2) + zero_point, clamped; inputs are broadcast."""
    first, second = (values.astype(np.int64) - z for values, z in zip(inputs, input_zero_points, strict=True))
    product = first * second * multiplier
    rounded = (2 * product + 2**shift) // 2 ** (shift + 1)
    return np.clip(rounded + zero_point, *clamp).astype(np.uint8)


def gather(inputs: Sequence[U8], channels: Sequence[tuple[int, int]]) -> U8:
    """Channel c of the output is channel channels[c][1] of input channels[c][0]."""
    return np.stack([inputs[place][:, :, channel] for place, channel in channels], axis=2)


def pad(values: U8, zero_point: int, padding: tuple[int, int, int, int], mode: str) -> U8:
    """New pixels are the zero point, mirrored without the edge, or the edge; negative padding crops."""
    top, left, bottom, right = padding
    height, width, channels = values.shape
    result = np.full((height + top + bottom, width + left + right, channels), zero_point, np.uint8)
    for o in range(result.shape[0]):
        for p in range(result.shape[1]):
            y, x = o - top, p - left
            if mode == "replicate":
                y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
            if mode == "reflect":
                y, x = height - 1 - abs(height - 1 - abs(y)), width - 1 - abs(width - 1 - abs(x))
            if 0 <= y < height and 0 <= x < width:
                result[o, p] = values[y, x]
    return result


def depth_to_space(values: U8, block: tuple[int, int]) -> U8:
    """out[y * bh + i, x * bw + j, c] = in[y, x, (i * bw + j) * channels + c]."""
    height, width, depth = values.shape
    channels = depth // (block[0] * block[1])
    result = np.zeros((height * block[0], width * block[1], channels), np.uint8)
    for i in range(block[0]):
        for j in range(block[1]):
            first = (i * block[1] + j) * channels
            result[i :: block[0], j :: block[1]] = values[:, :, first : first + channels]
    return result
