"""`itrt.kernels` add, resize and labels: every instruction set and thread count gives the oracle's bytes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from itrt import kernels
from itrt.errors import InvalidArgumentError
from reference import operators as oracle

ISAS = sorted({row["isa"] for row in kernels.list()})
THREADS = (1, 2, 3)
SEEDS = st.integers(0, 2**32 - 1)


def image(rng: np.random.Generator, shape: tuple[int, ...], few_values: bool) -> NDArray[np.uint8]:
    return rng.integers(0, 3 if few_values else 256, shape, np.uint8)


@settings(deadline=None, max_examples=100)
@given(SEEDS, st.integers(1, 4), st.integers(1, 300), st.integers(0, 255), st.integers(0, 255), st.booleans())
def test_add(seed: int, inputs: int, count: int, zero_point: int, lower: int, clamped: bool) -> None:
    rng = np.random.default_rng(seed)
    arrays = [image(rng, (1, count), False) for _ in range(inputs)]
    zero_points = rng.integers(0, 256, inputs).tolist()
    shift = int(rng.integers(0, 29))
    largest = 32767 if rng.integers(0, 2) else min(2**shift, 32767)
    multipliers = rng.choice(
        [-largest, *rng.integers(-largest, largest + 1, 3), 1 << max(shift - 1, 0) & 32767], inputs
    ).tolist()
    clamp = (lower, 255) if clamped else (0, 255)
    expected = oracle.add(arrays, zero_points, multipliers, shift, zero_point, clamp)
    for isa in ISAS:
        for threads in THREADS:
            found = kernels.add(arrays, zero_points, multipliers, shift, zero_point, isa, threads, clamp=clamp)
            np.testing.assert_array_equal(found, expected, isa)


@settings(deadline=None, max_examples=100)
@given(SEEDS, st.tuples(*[st.integers(1, 12)] * 2, st.integers(1, 70)), st.tuples(*[st.integers(1, 24)] * 2))
def test_resize(seed: int, shape: tuple[int, int, int], size: tuple[int, int]) -> None:
    x = image(np.random.default_rng(seed), shape, False)
    expected = oracle.resize(x, *size)
    for isa in ISAS:
        for threads in THREADS:
            np.testing.assert_array_equal(kernels.resize(x, *size, isa, threads), expected, isa)


@settings(deadline=None, max_examples=100)
@given(
    SEEDS,
    st.tuples(*[st.integers(1, 9)] * 2, st.sampled_from([1, 2, 3, 11, 16, 17, 33, 128, 129, 256, 257])),
    st.tuples(*[st.integers(1, 40)] * 2),
    st.booleans(),
)
def test_labels(seed: int, shape: tuple[int, int, int], size: tuple[int, int], ties: bool) -> None:
    logits = image(np.random.default_rng(seed), shape, ties)
    expected = oracle.labels(logits, *size)
    for isa in ISAS:
        for threads in THREADS:
            found = kernels.labels(logits, *size, isa, threads)
            assert found.dtype == (np.uint8 if shape[2] <= 256 else np.uint16)
            np.testing.assert_array_equal(found, expected, isa)


@settings(deadline=None, max_examples=30)
@given(SEEDS, st.tuples(st.integers(1, 4), st.integers(60, 140)), st.integers(2, 12), st.integers(1, 9))
def test_labels_of_regions(seed: int, shape: tuple[int, int], classes: int, factor: int) -> None:
    """Neighbours mostly have one argmax, as in an image: some cells need their sums, others do not."""
    rng = np.random.default_rng(seed)
    best = np.repeat(rng.integers(0, classes, (shape[0], (shape[1] + 4) // 5)), 5, axis=1)[:, : shape[1]]
    raised = 100 * (best[..., None] == np.arange(classes)).astype(np.uint8)
    logits = image(rng, (*shape, classes), False) // 2 + raised
    size = shape[0] * factor, shape[1] * factor
    expected = oracle.labels(logits, *size)
    for isa in ISAS:
        for threads in THREADS:
            np.testing.assert_array_equal(kernels.labels(logits, *size, isa, threads), expected, isa)


@pytest.mark.parametrize(
    "arguments",
    [
        ([], [], [], 0),
        (np.zeros((2, 2), np.uint8), [0, 0], [1, 1], 0),
        ([np.zeros(3, np.int8)], [0], [1], 0),
        ([np.zeros(3, np.uint8), np.zeros(4, np.uint8)], [0, 0], [1, 1], 0),
        ([np.zeros(3, np.uint8)], [], [1], 0),
        ([np.zeros(3, np.uint8)], [0], [1, 2], 0),
        ([np.zeros(3, np.uint8)], [256], [1], 0),
        ([np.zeros(3, np.uint8)], [0], [32768], 0),
        ([np.zeros(3, np.uint8)], [0], [0.5], 0),
        ([np.zeros(3, np.uint8)], [0], [1], -1),
        ([np.zeros(3, np.uint8)], [0], [1], 29),
        ([np.zeros(3, np.uint8)] * 65, [0] * 65, [1] * 65, 0),
        ([np.zeros(3, np.uint8)], [0], [1], 0, -1),
        ([np.zeros(3, np.uint8)], [0], [1], 0, 0, "sse"),
        ([np.zeros(3, np.uint8)], [0], [1], 0, 0, None, 0),
        ([np.zeros(0, np.uint8)], [0], [1], 0),
    ],
)
def test_bad_arguments_of_add(arguments: tuple[object, ...]) -> None:
    with pytest.raises(InvalidArgumentError, match=r"expected .*, found "):
        kernels.add(*arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("function", [kernels.resize, kernels.labels])
@pytest.mark.parametrize(
    "arguments",
    [
        (np.zeros((2, 2, 3), np.float32), 4, 4),
        (np.zeros((2, 2), np.uint8), 4, 4),
        (np.zeros((2, 0, 3), np.uint8), 4, 4),
        (np.zeros((2, 2, 3), np.uint8), 0, 4),
        (np.zeros((2, 2, 3), np.uint8), 4, -1),
        (np.zeros((2, 2, 3), np.uint8), 4.0, 4),
        (np.zeros((2, 2, 3), np.uint8), 4, 4, "neon"),
        (np.zeros((2, 2, 3), np.uint8), 4, 4, None, 0),
    ],
)
def test_bad_arguments_of_resize_and_labels(function: object, arguments: tuple[object, ...]) -> None:
    with pytest.raises(InvalidArgumentError, match=r"expected .*, found "):
        function(*arguments)  # type: ignore[operator]


def test_too_many_classes() -> None:
    with pytest.raises(InvalidArgumentError, match=r"classes: expected 1 .. 65536, found 65537"):
        kernels.labels(np.zeros((1, 1, 65_537), np.uint8), 1, 1)
