"""The oracles of pooling, padding, resizing and shuffling against PyTorch, whose operators they stand for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from itrt.format import Pool
from reference import operators as oracle

torch = pytest.importorskip("torch")
functional = torch.nn.functional

ZERO_POINT, OUTPUT_ZERO_POINT = 7, 9
SIZES = st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 4))
SEEDS = st.integers(0, 2**32 - 1)


def image(seed: int, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def to_torch(values: NDArray[np.uint8]) -> torch.Tensor:
    return torch.from_numpy(values).permute(2, 0, 1)[None].double()


def from_torch(values: torch.Tensor) -> NDArray[np.float64]:
    array: NDArray[np.float64] = values[0].permute(1, 2, 0).numpy()
    return array


def quantized(real: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of scale 1; averages of few bytes are a hundredth from a half, or one."""
    return np.clip(np.floor(real + 0.5 + 1e-9) + OUTPUT_ZERO_POINT, 0, 255)


@settings(deadline=None, max_examples=150)
@given(
    SEEDS,
    SIZES,
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.tuples(st.integers(1, 2), st.integers(1, 2)),
    st.booleans(),
    st.data(),
)
def test_pools(
    seed: int,
    shape: tuple[int, int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    ceil: bool,
    data: st.DataObject,
) -> None:
    padding = tuple(data.draw(st.integers(0, extent // 2)) for extent in kernel)
    x = image(seed, shape)
    try:
        largest = functional.max_pool2d(to_torch(x), kernel, stride, padding, dilation, ceil)
    except RuntimeError:  # no window fits
        assume(False)
    found = oracle.max_pool(x, Pool("", 0, 0, "max", kernel, stride, (*padding, *padding), dilation, ceil))
    # Where the padding is all that a window has, torch's maximum is minus infinity.
    np.testing.assert_array_equal(found, from_torch(largest).clip(0))


@settings(deadline=None, max_examples=150)
@given(
    SEEDS,
    SIZES,
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.tuples(st.booleans(), st.booleans()),
    st.data(),
)
def test_average_pools(
    seed: int,
    shape: tuple[int, int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    switches: tuple[bool, bool],
    data: st.DataObject,
) -> None:
    ceil, count_padding = switches
    padding = tuple(data.draw(st.integers(0, extent // 2)) for extent in kernel)
    x = image(seed, shape)
    try:
        real = functional.avg_pool2d(to_torch(x) - ZERO_POINT, kernel, stride, padding, ceil, count_padding)
    except RuntimeError:
        assume(False)
    pool = Pool("", 0, 0, "average", kernel, stride, (*padding, *padding), (1, 1), ceil, count_padding, 1, 0)
    found = oracle.average_pool(x, ZERO_POINT, pool, OUTPUT_ZERO_POINT)
    np.testing.assert_array_equal(found, quantized(from_torch(real)))


@settings(deadline=None, max_examples=100)
@given(SEEDS, SIZES, st.tuples(st.integers(1, 9), st.integers(1, 9)))
def test_sizes_that_are_given(seed: int, shape: tuple[int, int, int], size: tuple[int, int]) -> None:
    x = image(seed, shape)
    averages = from_torch(functional.adaptive_avg_pool2d(to_torch(x) - ZERO_POINT, size))
    found = oracle.adaptive_average_pool(x, ZERO_POINT, size, 1, 0, OUTPUT_ZERO_POINT)
    np.testing.assert_array_equal(found, quantized(averages))
    nearest = from_torch(functional.interpolate(to_torch(x), size=size, mode="nearest"))
    np.testing.assert_array_equal(oracle.resize_nearest(x, *size), nearest)
    corners = from_torch(functional.interpolate(to_torch(x), size=size, mode="bilinear", align_corners=True))
    # Each of two weights is a 256th from the true one at most, and the sum is rounded.
    assert np.abs(corners - oracle.resize(x, *size, align_corners=True)).max() <= 2 * 255 / 256 + 0.5


@settings(deadline=None, max_examples=100)
@given(SEEDS, SIZES, st.sampled_from(["reflect", "replicate", "constant"]), st.data())
def test_padding(seed: int, shape: tuple[int, int, int], mode: str, data: st.DataObject) -> None:
    height, width, _ = shape
    top, left, bottom, right = (data.draw(st.integers(0, extent - 1)) for extent in (height, width, height, width))
    x = image(seed, shape)
    real = functional.pad(to_torch(x) - ZERO_POINT, (left, right, top, bottom), mode=mode)
    found = oracle.pad(x, ZERO_POINT, (top, left, bottom, right), mode)
    np.testing.assert_array_equal(found, from_torch(real) + ZERO_POINT)


@settings(deadline=None, max_examples=30)
@given(SEEDS, st.integers(1, 5), st.integers(1, 5), st.integers(1, 3), st.integers(1, 3))
def test_a_pixel_shuffle_is_a_gather_and_depth_to_space(
    seed: int, height: int, width: int, channels: int, block: int
) -> None:
    x = image(seed, (height, width, channels * block * block))
    order = [(0, channel * block * block + place) for place in range(block * block) for channel in range(channels)]
    found = oracle.depth_to_space(oracle.gather([x], order), (block, block))
    np.testing.assert_array_equal(found, from_torch(functional.pixel_shuffle(to_torch(x), block)))
