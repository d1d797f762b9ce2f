"""Lines through times, and shares of equal labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from itrt.errors import InvalidArgumentError


@dataclass(frozen=True)
class Line:
    """value = intercept + slope * count; ``residual`` is the largest distance of a point from it."""

    intercept: float
    slope: float
    residual: float


def fit_line(counts: Sequence[int], values: Sequence[float]) -> Line:
    """The line of least squares through at least two different counts."""
    if len(set(counts)) < 2 or len(counts) != len(values):
        raise InvalidArgumentError(
            f"line: expected values at two or more different counts, found {len(values)} values at {list(counts)}"
        )
    x, y = np.asarray(counts, np.float64), np.asarray(values, np.float64)
    slope, intercept = np.polyfit(x, y, 1)
    residual = np.max(np.abs(y - (intercept + slope * x)))
    return Line(float(intercept), float(slope), float(residual))


def equal_share(labels: NDArray[Any], others: NDArray[Any]) -> float:
    """The share of pixels with the same label."""
    if labels.shape != others.shape:
        raise InvalidArgumentError(f"labels: expected shape {others.shape}, found {labels.shape}")
    return float(np.mean(labels == others))
