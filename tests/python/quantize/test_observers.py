"""Observers against numpy on random streams: any chunking, bounded memory, ranges that include zero."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from itrt.errors import InvalidArgumentError
from itrt.quantize import MinMaxObserver, MseObserver, Observer, PercentileObserver, make_observer
from itrt.quantize.histogram import StreamingHistogram

Float32Array = NDArray[np.float32]


@st.composite
def streams(draw: st.DrawFn) -> list[Float32Array]:
    """Chunks of very different sizes and magnitudes, with exact zeros, sometimes one-sided."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    one_sided = draw(st.booleans())
    chunks = []
    for magnitude in draw(st.lists(st.sampled_from([1e-6, 0.3, 1.0, 7.0, 4e4]), min_size=1, max_size=5)):
        values = generator.normal(0.0, magnitude, draw(st.integers(1, 300))).astype(np.float32)
        values[generator.random(values.size) < 0.3] = 0.0
        chunks.append(np.abs(values) if one_sided else values)
    return chunks


def observed(observer: Observer, chunks: list[Float32Array]) -> tuple[float, float]:
    for chunk in chunks:
        observer.update(chunk)
    return observer.range()


@settings(deadline=None, max_examples=50)  # a busy machine is no failure
@given(streams())
def test_minmax_is_numpys_range_extended_to_zero(chunks: list[Float32Array]) -> None:
    values = np.concatenate(chunks)
    assert observed(MinMaxObserver(), chunks) == (min(0.0, float(values.min())), max(0.0, float(values.max())))


@settings(deadline=None, max_examples=50)  # a busy machine is no failure
@given(streams(), st.sampled_from([90.0, 99.0, 99.99]))
def test_percentile_cuts_off_what_it_may_and_no_more_than_a_bin_remains(
    chunks: list[Float32Array], percent: float
) -> None:
    values = np.concatenate(chunks).astype(np.float64)
    lower, upper = observed(PercentileObserver(percent), chunks)
    allowed = values.size * (1 - percent / 100)
    bin_width = np.abs(values).max() / 1024
    assert lower <= 0.0 <= upper
    assert np.count_nonzero(values > upper) <= allowed + 1e-6
    assert np.count_nonzero(values < lower) <= allowed + 1e-6
    if upper > bin_width:  # otherwise zero has extended the range
        assert np.count_nonzero(values >= upper - bin_width) >= allowed - 1e-6
    if lower < -bin_width:
        assert np.count_nonzero(values <= lower + bin_width) >= allowed - 1e-6


@settings(deadline=None, max_examples=50)  # a busy machine is no failure
@given(streams(), st.randoms(use_true_random=False))
def test_a_histogram_does_not_depend_on_chunks_or_their_order(chunks: list[Float32Array], random: object) -> None:
    whole, parts = StreamingHistogram(), StreamingHistogram()
    whole.update(np.concatenate(chunks))
    random.shuffle(chunks)  # type: ignore[attr-defined]
    for chunk in chunks:
        parts.update(chunk)
    assert whole.width == parts.width
    assert whole.zeros == parts.zeros
    assert np.array_equal(whole.counts, parts.counts)
    assert (whole.minimum, whole.maximum) == (parts.minimum, parts.maximum)


@settings(deadline=None, max_examples=50)  # a busy machine is no failure
@given(streams())
def test_a_histogram_counts_like_numpy(chunks: list[Float32Array]) -> None:
    histogram = StreamingHistogram()
    for chunk in chunks:
        histogram.update(chunk)
    values = np.concatenate(chunks)
    assert histogram.total == values.size
    if not values.any():
        return  # no width yet: all bins are empty
    expected, _ = np.histogram(values, histogram.edges)
    assert np.array_equal(histogram.counts_with_zeros(), expected)


def quantization_error(values: Float32Array, bounds: tuple[float, float]) -> float:
    lower, upper = bounds
    scale = max((upper - lower) / 255, 1e-30)
    zero_point = np.rint(-lower / scale)
    stored = np.clip(np.rint(values / scale) + zero_point, 0, 255)
    return float(np.square((stored - zero_point) * scale - values, dtype=np.float64).mean())


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1.0, 3.0, 20.0]), st.booleans())
def test_mse_is_close_to_the_best_of_an_exhaustive_search(seed: int, tail: float, one_sided: bool) -> None:
    generator = np.random.default_rng(seed)
    values = generator.normal(0.0, 1.0, 20000).astype(np.float32)
    values[:20] *= tail
    values = np.maximum(values, 0) if one_sided else values
    chunks = np.split(values, 10)
    found = quantization_error(values, observed(MseObserver(), list(chunks)))
    lower, upper = observed(MinMaxObserver(), list(chunks))
    fractions = np.linspace(0.1, 1.0, 19)
    errors = [quantization_error(values, (lower * low, upper * high)) for low in fractions for high in fractions]
    assert found <= 1.1 * min(errors)


@pytest.mark.parametrize("kind", ["minmax", "percentile", "mse"])
def test_nothing_and_zeros_give_an_empty_range(kind: str) -> None:
    observer = make_observer(kind)  # type: ignore[arg-type]
    assert observer.range() == (0.0, 0.0)
    observer.update(np.zeros((3, 4), np.float32))
    assert observer.range() == (0.0, 0.0)


def test_memory_does_not_grow() -> None:
    histogram = StreamingHistogram()
    for exponent in range(-30, 30):
        histogram.update(np.full(1000, 2.0**exponent, np.float32))
    assert histogram.counts.size == 8192
    assert histogram.total == 60000


def test_wrong_arguments_name_what_was_expected() -> None:
    with pytest.raises(InvalidArgumentError, match="expected 'minmax', 'percentile' or 'mse', found 'entropy'"):
        make_observer("entropy")  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match=r"percent: .* found 20"):
        PercentileObserver(20.0)
