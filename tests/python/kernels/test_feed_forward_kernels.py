"""Pooling, tables, products and Resize's modes in `itrt.kernels`: every set and thread count, the oracle's bytes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from itrt import kernels
from itrt.errors import InvalidArgumentError
from itrt.format import Pool
from reference import operators as oracle

ISAS = sorted({row["isa"] for row in kernels.list()})
THREADS = (1, 2, 3)
SEEDS = st.integers(0, 2**32 - 1)
CHANNELS = st.sampled_from([1, 2, 3, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100])
ZERO_POINTS = st.integers(0, 255)
SHIFTS = st.one_of(st.integers(0, 28), st.integers(12, 16))
FACTORS = st.tuples(st.one_of(st.integers(1, 32767), st.sampled_from([1, 32767])), SHIFTS)


def array(seed: int, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Bytes of the full range, or the extremes alone."""
    rng = np.random.default_rng(seed)
    return rng.choice(np.array([0, 255], np.uint8), shape) if seed % 3 == 0 else rng.integers(0, 256, shape, np.uint8)


@st.composite
def windows(draw: st.DrawFn) -> tuple[int, int, int, int, int]:
    """Kernel, stride, padding before and behind, dilation of an axis."""
    kernel = draw(st.integers(1, 5))
    padding = st.integers(0, kernel // 2)
    return kernel, draw(st.integers(1, 4)), draw(padding), draw(padding), draw(st.integers(1, 3))


@settings(deadline=None, max_examples=150)
@given(
    SEEDS,
    st.tuples(st.integers(1, 14), st.integers(1, 14), CHANNELS),
    st.tuples(windows(), windows()),
    st.tuples(st.booleans(), st.booleans(), st.booleans()),
    FACTORS,
    st.tuples(ZERO_POINTS, ZERO_POINTS),
)
def test_pool(
    seed: int,
    shape: tuple[int, int, int],
    axes: tuple[tuple[int, int, int, int, int], tuple[int, int, int, int, int]],
    switches: tuple[bool, bool, bool],
    factor: tuple[int, int],
    zero_points: tuple[int, int],
) -> None:
    is_max, ceil, count_padding = switches
    down, across = axes
    pool = Pool(
        "pool",
        0,
        0,
        "max" if is_max else "average",
        kernel=(down[0], across[0]),
        stride=(down[1], across[1]),
        padding=(down[2], across[2], down[3], across[3]),
        dilation=(down[4], across[4]) if is_max else (1, 1),
        ceil=ceil,
        count_padding=count_padding,
        multiplier=factor[0],
        shift=factor[1],
    )
    x = array(seed, shape)
    prepared = {
        isa: kernels.Pool(
            pool.mode,
            pool.kernel,
            pool.stride,
            pool.padding,
            pool.dilation,
            ceil=ceil,
            count_padding=count_padding,
            multiplier=pool.multiplier,
            shift=pool.shift,
            x_zero_point=zero_points[0],
            y_zero_point=zero_points[1],
            isa=isa,
        )
        for isa in ISAS
    }
    sizes = [
        oracle.pooled_extent(extent, kernel, stride, (before, behind), dilation if is_max else 1, ceil)
        for extent, (kernel, stride, before, behind, dilation) in zip(shape, axes, strict=False)
    ]
    if min(sizes) < 1:
        for each in prepared.values():
            with pytest.raises(InvalidArgumentError, match=r"input 0: expected pixels for a window, found shape "):
                each.run([x])
        return
    expected = oracle.max_pool(x, pool) if is_max else oracle.average_pool(x, zero_points[0], pool, zero_points[1])
    for isa, each in prepared.items():
        for threads in THREADS:
            np.testing.assert_array_equal(each.run([x], threads), expected, isa)


@settings(deadline=None, max_examples=100)
@given(
    SEEDS,
    st.tuples(st.integers(1, 20), st.integers(1, 20), CHANNELS),
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    FACTORS,
    st.tuples(ZERO_POINTS, ZERO_POINTS),
)
def test_adaptive_pool(
    seed: int,
    shape: tuple[int, int, int],
    size: tuple[int, int],
    factor: tuple[int, int],
    zero_points: tuple[int, int],
) -> None:
    x = array(seed, shape)
    expected = oracle.adaptive_average_pool(x, zero_points[0], size, *factor, zero_points[1])
    for isa in ISAS:
        for threads in THREADS:
            found = kernels.AdaptivePool(size, *factor, *zero_points, isa).run([x], threads)
            np.testing.assert_array_equal(found, expected, isa)


@settings(deadline=None, max_examples=60)
@given(SEEDS, st.tuples(st.integers(1, 9), st.integers(1, 30), CHANNELS), st.booleans())
def test_lookup(seed: int, shape: tuple[int, int, int], one_table: bool) -> None:
    x, table = array(seed, shape), array(seed + 1, (1 if one_table else shape[2], 256))
    expected = oracle.lookup(x, table)
    for isa in ISAS:
        for threads in THREADS:
            np.testing.assert_array_equal(kernels.Lookup(table, isa).run([x], threads), expected, isa)


@settings(deadline=None, max_examples=150)
@given(
    SEEDS,
    st.tuples(st.integers(1, 9), st.integers(1, 30), CHANNELS),
    st.tuples(st.sampled_from(["none", "first", "second"]), st.sampled_from(["none", "first", "second"])),
    st.tuples(st.integers(1, 32767), st.one_of(st.integers(0, 45), st.integers(18, 26))),
    st.tuples(ZERO_POINTS, ZERO_POINTS, ZERO_POINTS),
    ZERO_POINTS,
)
def test_multiply(
    seed: int,
    shape: tuple[int, int, int],
    broadcast: tuple[str, str],
    factor: tuple[int, int],
    zero_points: tuple[int, int, int],
    lower: int,
) -> None:
    shapes = [
        (*((1, 1) if broadcast[0] == place else shape[:2]), 1 if broadcast[1] == place else shape[2])
        for place in ("first", "second")
    ]
    a, b = (array(seed + n, each) for n, each in enumerate(shapes))
    expected = oracle.multiply((a, b), zero_points[:2], *factor, zero_points[2], (lower, 255))
    for isa in ISAS:
        for threads in THREADS:
            operation = kernels.Multiply(zero_points[:2], *factor, zero_points[2], (lower, 255), isa)
            np.testing.assert_array_equal(operation.run([a, b], threads), expected, isa)


@settings(deadline=None, max_examples=100)
@given(
    SEEDS,
    st.tuples(*[st.integers(1, 12)] * 2, st.integers(1, 70)),
    st.tuples(*[st.integers(1, 24)] * 2),
    st.booleans(),
)
def test_modes_of_resize(seed: int, shape: tuple[int, int, int], size: tuple[int, int], nearest: bool) -> None:
    x = array(seed, shape)
    expected = oracle.resize_nearest(x, *size) if nearest else oracle.resize(x, *size, align_corners=True)
    for isa in ISAS:
        for threads in THREADS:
            mode = {"mode": "nearest"} if nearest else {"align_corners": True}
            found = kernels.Resize(*size, isa, **mode).run([x], threads)  # type: ignore[arg-type]
            np.testing.assert_array_equal(found, expected, isa)


X = np.zeros((4, 4, 3), np.uint8)


@pytest.mark.parametrize(
    "attempt",
    [
        lambda: kernels.Pool("min", 2),  # type: ignore[arg-type]
        lambda: kernels.Pool("max", 0),
        lambda: kernels.Pool("max", 3, padding=2),
        lambda: kernels.Pool("max", 3, stride=0),
        lambda: kernels.Pool("average", 3, dilation=2),
        lambda: kernels.Pool("average", 3, multiplier=32768),
        lambda: kernels.Pool("average", 3, shift=29),
        lambda: kernels.Pool("average", 3, x_zero_point=256),
        lambda: kernels.Pool("max", 3, isa="sse"),
        lambda: kernels.Pool("max", 5).run([X]),
        lambda: kernels.Pool("max", 2).run([X, X]),
        lambda: kernels.Pool("max", 2).run([X.astype(np.int8)]),
        lambda: kernels.Pool("max", 2).run([X], 0),
        lambda: kernels.AdaptivePool(0),
        lambda: kernels.AdaptivePool((1, 1), 0),
        lambda: kernels.Lookup(np.zeros((1, 255), np.uint8)),
        lambda: kernels.Lookup(np.zeros((1, 256), np.int8)),
        lambda: kernels.Lookup(np.zeros((2, 256), np.uint8)).run([X]),
        lambda: kernels.Multiply((0, 0), 0, 0),
        lambda: kernels.Multiply((0, 0), 1, 46),
        lambda: kernels.Multiply((0, 0), 1, 0, clamp=(3, 2)),
        lambda: kernels.Multiply((0, 0), 1, 0).run([X]),
        lambda: kernels.Multiply((0, 0), 1, 0).run([X, X[:2]]),
        lambda: kernels.Multiply((0, 0), 1, 0).run([X, X[:, :, :2]]),
        lambda: kernels.Multiply((0, 0), 1, 0).run([X[:1, :], X[:, :1]]),
        lambda: kernels.Resize(2, 2, mode="bicubic"),
        lambda: kernels.Resize(2, 2, mode="nearest", align_corners=True),
    ],
)
def test_bad_arguments(attempt: object) -> None:
    with pytest.raises(InvalidArgumentError, match=r"expected .*, found "):
        attempt()  # type: ignore[operator]
