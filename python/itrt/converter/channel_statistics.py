"""What equalization and bias correction know of activations: statistics of channels, in memory that does not grow."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from itrt.converter.float_operators import FloatConvolution, FloatOperator, FloatTerm

TermKey = tuple[str, int]
"""A convolution's output and the place of one of its terms."""


class ChannelRanges:
    """The largest absolute value of each channel of each tensor that an operator writes, over steps and images."""

    def __init__(self) -> None:
        self._largest: dict[str, Tensor] = {}

    def see(self, operator: FloatOperator, step: int | None, tensors: Mapping[str, Tensor]) -> None:
        """See what an operator wrote: to be called by a `FloatExecutor`."""
        name = operator.output
        found = tensors[name].abs().amax(dim=(0, 2, 3))
        self._largest[name] = torch.maximum(self._largest[name], found) if name in self._largest else found

    def largest(self) -> dict[str, NDArray[np.float64]]:
        """Return them by tensor, (channels,)."""
        return {name: values.numpy().astype(np.float64) for name, values in self._largest.items()}


class WindowMeans:
    """The mean of what each weight of a convolution multiplies, over windows and images, for each step.

    A mean of the channel would not do: strides skip pixels, and a tap beside the border meets padding. The mean of each
    place of the window, (kernel height, kernel width, channels), makes the mean of a convolution's result exact.
    """

    def __init__(self) -> None:
        self._sums: dict[tuple[TermKey, int], Tensor] = {}
        self._windows: dict[tuple[TermKey, int], int] = {}

    def see(self, operator: FloatOperator, step: int | None, tensors: Mapping[str, Tensor]) -> None:
        """See what an operator read: to be called by a `FloatExecutor`."""
        if not isinstance(operator, FloatConvolution):
            return
        height, width = tensors[operator.output].shape[2:]
        for place, term in enumerate(operator.terms):
            key = ((operator.output, place), step or 0)
            sums = _window_sums(term, tensors[term.input], height, width)
            self._sums[key] = self._sums[key] + sums if key in self._sums else sums
            self._windows[key] = self._windows.get(key, 0) + height * width

    def means(self) -> dict[TermKey, tuple[NDArray[np.float64], ...]]:
        """Return (kernel height, kernel width, channels) by term, one a step; one for what is in the stem."""
        by_term: dict[TermKey, list[NDArray[np.float64]]] = {}
        for (term, step), sums in sorted(self._sums.items()):
            by_term.setdefault(term, []).append(sums.numpy() / self._windows[term, step])
        return {term: tuple(means) for term, means in by_term.items()}


def _window_sums(term: FloatTerm, x: Tensor, height: int, width: int) -> Tensor:
    """Return the sums over all windows, float64 (kernel height, kernel width, channels)."""
    top, left, bottom, right = term.padding
    padded = F.pad(x[0], (left, right, top, bottom))
    (down, across), (dilation_y, dilation_x) = term.stride, term.dilation
    rows, columns = term.weight.at(0).shape[1:3]
    return torch.stack([
        torch.stack([
            padded[:, row * dilation_y :: down, column * dilation_x :: across][:, :height, :width]
            .sum(dim=(1, 2), dtype=torch.float64)
            for column in range(columns)
        ])
        for row in range(rows)
    ])  # fmt: skip
