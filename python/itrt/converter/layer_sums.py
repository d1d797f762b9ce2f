"""Sums over images from which it follows how far a layer is from float."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from itrt.converter.parity import SignalAndNoise


class Extremes:
    """The smallest and the largest value of each channel, (channels,)."""

    def __init__(self) -> None:
        self.low = torch.tensor(math.inf)
        self.high = torch.tensor(-math.inf)

    def add(self, values: Tensor) -> None:
        """See values (1, channels, height, width)."""
        self.low = torch.minimum(self.low, values.amin(dim=(0, 2, 3)))
        self.high = torch.maximum(self.high, values.amax(dim=(0, 2, 3)))


@dataclass
class LayerSums:
    """What is known of a layer in one iteration: as the program runs (``total``), and alone, with float's inputs."""

    inputs: tuple[str, ...]
    total: SignalAndNoise = field(default_factory=SignalAndNoise)
    own: SignalAndNoise = field(default_factory=SignalAndNoise)
    product: float = 0.0
    clipped: int = 0
    count: int = 0
    expected: Extremes = field(default_factory=Extremes)
    found: Extremes = field(default_factory=Extremes)

    def add_own(self, expected: Tensor, found: Tensor, limits: tuple[float, float]) -> None:
        """Count what float and the layer alone compute; ``limits`` are what its tensor can hold."""
        self.own.add(channels_last(expected), channels_last(found))
        self.product += float((expected.double() * found.double()).sum())
        half_a_step = (limits[1] - limits[0]) / 255.0 / 2.0
        beyond = (expected < limits[0] - half_a_step) | (expected > limits[1] + half_a_step)
        self.clipped += int(beyond.sum())
        self.count += expected.numel()
        self.expected.add(expected)
        self.found.add(found)

    def gain(self) -> float:
        """Return the factor of float's values that is closest to the layer's, in the least squares."""
        return self.product / self.own.signal if self.own.signal > 0.0 else math.nan

    def used(self, limits: tuple[float, float]) -> float:
        """Return the part of the range that float's values and zero span."""
        low, high = float(self.expected.low.min()), float(self.expected.high.max())
        return (max(high, 0.0) - min(low, 0.0)) / (limits[1] - limits[0])

    def silent(self) -> int:
        """Return how many channels vary in float and not in the layer alone."""
        varies, varies_here = (extremes.low < extremes.high for extremes in (self.expected, self.found))
        return int((varies & ~varies_here).sum())


def channels_last(values: Tensor) -> NDArray[np.float32]:
    """Return values (1, channels, height, width) as the runtime has them, (height, width, channels)."""
    array: NDArray[np.float32] = values[0].permute(1, 2, 0).numpy()
    return array
