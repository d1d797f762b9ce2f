"""A histogram of a stream: fixed memory, no range known beforehand."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

_BINS_PER_SIDE = 4096


class StreamingHistogram:
    """Counts of values in equally wide bins around zero; the width doubles whenever a value does not fit.

    Bin i counts the values in [i * width, (i + 1) * width), for i from -4096 to 4095. Doubling the width merges
    neighbours exactly, so the counts are those of one pass with the final width. Exact zeros are counted apart,
    because a quantizer represents zero without error and a ReLU makes many of them.
    """

    def __init__(self) -> None:
        self.width = 0.0
        self.counts = np.zeros(2 * _BINS_PER_SIDE, np.int64)
        self.zeros = 0
        self.minimum = 0.0
        self.maximum = 0.0

    def update(self, values: NDArray[np.float32]) -> None:
        """Count float32 values of any shape; they are finite."""
        flat = values.reshape(-1)
        low, high = float(flat.min(initial=0.0)), float(flat.max(initial=0.0))
        zeros = flat.size - int(np.count_nonzero(flat))
        self.zeros += zeros
        if low == high:
            return
        self.minimum, self.maximum = min(self.minimum, low), max(self.maximum, high)
        self._widen(max(-low, high))
        index = np.floor(flat * np.float32(1.0 / self.width)) + np.float32(_BINS_PER_SIDE)
        np.clip(index, 0, 2 * _BINS_PER_SIDE - 1, out=index)  # the largest value may lie on the last bin's upper edge
        self.counts += np.bincount(index.astype(np.intp), minlength=self.counts.size)
        self.counts[_BINS_PER_SIDE] -= zeros

    def _widen(self, magnitude: float) -> None:
        if self.width == 0.0:
            # A power of two: the division by the width is exact, and streams of one range agree on their bins.
            self.width = 2.0 ** math.ceil(math.log2(magnitude / _BINS_PER_SIDE))
        while magnitude > self.width * _BINS_PER_SIDE:
            pairs = self.counts.reshape(-1, 2).sum(axis=1)
            self.counts = np.zeros_like(self.counts)
            self.counts[_BINS_PER_SIDE // 2 : _BINS_PER_SIDE // 2 + pairs.size] = pairs
            self.width *= 2.0

    @property
    def edges(self) -> NDArray[np.float64]:
        """The lower edge of each bin and the upper edge of the last, (8193,)."""
        return np.arange(-_BINS_PER_SIDE, _BINS_PER_SIDE + 1, dtype=np.float64) * self.width

    @property
    def total(self) -> int:
        """Number of values seen."""
        return int(self.counts.sum()) + self.zeros

    def counts_with_zeros(self) -> NDArray[np.int64]:
        """The counts, the zeros in the bin that starts at zero."""
        counts = self.counts.copy()
        counts[_BINS_PER_SIDE] += self.zeros
        return counts
