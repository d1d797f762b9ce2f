"""Streaming observers: they see the values of a tensor piece by piece and answer with the range to quantize.

Their memory does not grow with the number of values. A range always includes zero.
"""

from __future__ import annotations

from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from itrt.errors import InvalidArgumentError
from itrt.quantize.histogram import StreamingHistogram

ObserverKind = Literal["minmax", "percentile", "mse"]


class Observer(Protocol):
    """What calibration asks of an observer."""

    def update(self, values: NDArray[np.float32]) -> None:
        """See float32 values of any shape."""

    def range(self) -> tuple[float, float]:
        """Return (lower, upper), lower <= 0 <= upper."""


class MinMaxObserver:
    """The range of all values."""

    def __init__(self) -> None:
        self._minimum = 0.0
        self._maximum = 0.0

    def update(self, values: NDArray[np.float32]) -> None:
        if values.size:
            self._minimum = min(self._minimum, float(values.min()))
            self._maximum = max(self._maximum, float(values.max()))

    def range(self) -> tuple[float, float]:
        return self._minimum, self._maximum


class PercentileObserver:
    """The range that cuts off at most ``100 - percent`` percent of the values on each side, to a histogram bin."""

    def __init__(self, percent: float = 99.99) -> None:
        if not 50.0 < percent <= 100.0:
            raise InvalidArgumentError(f"percent: expected a number above 50 and up to 100, found {percent}")
        self._percent = percent
        self._histogram = StreamingHistogram()

    def update(self, values: NDArray[np.float32]) -> None:
        self._histogram.update(values)

    def range(self) -> tuple[float, float]:
        histogram = self._histogram
        allowed = histogram.total * (1.0 - self._percent / 100.0)
        edges = histogram.edges
        below = np.cumsum(histogram.counts_with_zeros())  # values under the upper edge of each bin
        lower = float(edges[np.searchsorted(below, allowed, side="right")]) if histogram.total else 0.0
        first_full = np.searchsorted(below, histogram.total - allowed, side="left")
        upper = float(edges[first_full + 1]) if histogram.total else 0.0
        return min(0.0, max(lower, histogram.minimum)), max(0.0, min(upper, histogram.maximum))


class MseObserver:
    """The range with the least expected squared error of 8-bit quantization: clipping against rounding noise."""

    _CANDIDATES = 128

    def __init__(self) -> None:
        self._histogram = StreamingHistogram()

    def update(self, values: NDArray[np.float32]) -> None:
        self._histogram.update(values)

    def range(self) -> tuple[float, float]:
        histogram = self._histogram
        fractions = np.linspace(1.0, 0.05, self._CANDIDATES)
        lowers, uppers = histogram.minimum * fractions, histogram.maximum * fractions
        centers = (histogram.edges[:-1] + histogram.edges[1:]) / 2
        below, above = centers < 0, centers > 0
        clipped_low = _clipping_error(-centers[below], histogram.counts[below], -lowers)
        clipped_high = _clipping_error(centers[above], histogram.counts[above], uppers)
        # Values that are neither zero nor clipped carry rounding noise of step^2 / 12; counting the clipped ones
        # too keeps the sum separable, and they are few wherever the minimum lies.
        noise = (uppers[None, :] - lowers[:, None]) ** 2 / (255.0**2 * 12.0) * float(histogram.counts.sum())
        error = clipped_low[:, None] + clipped_high[None, :] + noise
        low, high = np.unravel_index(int(np.argmin(error)), error.shape)
        return float(lowers[low]), float(uppers[high])


def _clipping_error(
    magnitudes: NDArray[np.float64], counts: NDArray[np.int64], limits: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Sum of counts * (magnitude - limit)^2 over the magnitudes above each limit, (limits,)."""
    excess = np.maximum(magnitudes[None, :] - limits[:, None], 0.0)
    error: NDArray[np.float64] = (excess * excess) @ counts.astype(np.float64)
    return error


def make_observer(kind: ObserverKind) -> Observer:
    """Return a new observer.

    Raises
    ------
    InvalidArgumentError
        If there is no such kind.
    """
    match kind:
        case "minmax":
            return MinMaxObserver()
        case "percentile":
            return PercentileObserver()
        case "mse":
            return MseObserver()
    raise InvalidArgumentError(f"observer: expected 'minmax', 'percentile' or 'mse', found {kind!r}")
