"""Cross-layer range equalization: channels that are tied together are divided by one factor.

After Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction" (arXiv 1906.04721,
section 4.1). There, a range is a channel's of the weights, and a tensor of weights has one scale. Here, weights have
a scale for each output channel, so rows need nothing; what has one scale are activations, and the columns of a row:

    p1[c] = the channel's range / the range of all that shares its scale      measured on images, all iterations
    p2[c] = the column's range / the range of the row, at its best row        weights times the range of their input

The precision of the pair, the sum of p1 * p2 over channels, is largest where both are equal, so a channel is divided,
and its columns are multiplied, by s[c] = sqrt(p1[c] / p2[c]); SmoothQuant (arXiv 2211.10438) has the same rule, with
a strength of one half, for ranges of activations and of weights. A row that reads one channel, as in a depthwise
convolution, can have any factor: where only such rows read a channel, s[c] = p1[c] makes its range full.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from itrt.converter.calibration import scale_groups
from itrt.converter.channel_ties import KEPT, channel_classes
from itrt.converter.float_graph import FloatGraph
from itrt.converter.float_operators import FloatConvolution, FloatOperator, FloatTerm, combine
from itrt.converter.folding import input_channels

Factors = dict[str, NDArray[np.float64]]

_SWEEPS = 8  # a factor moves the ranges of rows, and with them others; more change nothing at a quarter of an octave
STEPS_PER_OCTAVE = 4
"""Factors are powers of 2 ** (1 / 4): small numbers to write down, an eighth of an octave from the best."""
_MOST_OCTAVES = 16.0  # a factor beyond is that of a channel which is as good as dead


def equalization_factors(graph: FloatGraph, largest: Mapping[str, NDArray[np.float64]]) -> Factors:
    """Return what to divide the channels of each tensor by, (channels,); tensors where all of it is 1 are left out.

    Parameters
    ----------
    largest
        The largest absolute value of each channel of each tensor but the image, (channels,).
    """
    classes = channel_classes(graph)
    count = 1 + max(int(numbers.max(initial=KEPT)) for numbers in classes.values())
    if count == 0:
        return {}
    precision = _Precision(graph, classes, largest, count)
    octaves = np.zeros(count)
    for _ in range(_SWEEPS):
        activations, columns = precision.at(octaves)
        alive = activations > 0.0
        ratio = np.divide(activations, columns, out=activations.copy(), where=columns > 0.0)
        step = np.log2(ratio, out=np.zeros(count), where=alive)
        octaves += np.where(columns > 0.0, 0.5, 1.0) * step
    octaves = np.rint(STEPS_PER_OCTAVE * np.clip(octaves, -_MOST_OCTAVES, _MOST_OCTAVES)) / STEPS_PER_OCTAVE
    factors = {name: _of_channels(np.exp2(octaves), numbers) for name, numbers in classes.items()}
    return {name: factor for name, factor in factors.items() if np.any(factor != 1.0)}


def rescaled(graph: FloatGraph, factors: Mapping[str, NDArray[np.float64]]) -> FloatGraph:
    """Return a graph with the same logits in which the channels of tensors are divided by these factors."""

    def rescale(operator: FloatOperator) -> FloatOperator:
        if not isinstance(operator, FloatConvolution):
            return operator
        terms = tuple(_with_columns_times(term, factors.get(term.input)) for term in operator.terms)
        own = factors.get(operator.output)
        if own is None:
            return replace(operator, terms=terms)
        gain, shift = (combine(lambda vector: vector / own, vector) for vector in (operator.gain, operator.shift))
        return replace(operator, terms=terms, gain=gain, shift=shift)

    stem, block, head = (tuple(map(rescale, section)) for section in (graph.stem, graph.block, graph.head))
    return replace(graph, stem=stem, block=block, head=head)


def _with_columns_times(term: FloatTerm, factor: NDArray[np.float64] | None) -> FloatTerm:
    if factor is None:
        return term
    columns = factor[input_channels(term)][:, None, None, :]
    return replace(term, weight=combine(lambda weight: weight * columns, term.weight))


class _Precision:
    """Which share of a range each class of channels uses, in the activations and in the weights that read them."""

    def __init__(
        self, graph: FloatGraph, classes: Mapping[str, NDArray[np.int64]], largest: Mapping[str, NDArray[np.float64]],
        count: int,
    ) -> None:  # fmt: skip
        self._classes = classes
        self._largest = {name: values for name, values in largest.items() if name in classes}
        self._groups = scale_groups(graph)
        self._count = count
        self._readers = [
            [(term.input, _largest_taps(term)) for term in operator.terms]
            for operator in graph.operators
            if isinstance(operator, FloatConvolution) and _channels_read(operator) > 1
        ]

    def at(self, octaves: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return (p1, p2) of each class once it is divided by two to the power of its octaves; 0 where nothing is."""
        factors = {name: _of_channels(np.exp2(octaves), numbers) for name, numbers in self._classes.items()}
        ranges: dict[str, float] = {}
        for name, values in self._largest.items():
            group = self._groups[name]
            ranges[group] = max(ranges.get(group, 0.0), float((values / factors[name]).max()))
        activations, columns = np.zeros(self._count), np.zeros(self._count)
        for name, values in self._largest.items():
            share = values / factors[name] / (ranges[self._groups[name]] or 1.0)
            self._raise(activations, name, share)
        for terms in self._readers:
            known = [(name, taps, ranges[self._groups[name]] if name in self._groups else 1.0) for name, taps in terms]
            scaled = [(name, taps * factors[name] * size) for name, taps, size in known]
            rows = np.max([taps.max(axis=1) for _, taps in scaled], axis=0)[:, None]
            for name, taps in scaled:
                share = np.divide(taps, rows, out=np.zeros_like(taps), where=rows > 0.0).max(axis=0)
                self._raise(columns, name, share)
        return activations, columns

    def _raise(self, values: NDArray[np.float64], name: str, share: NDArray[np.float64]) -> None:
        numbers = self._classes[name]
        free = numbers != KEPT
        np.maximum.at(values, numbers[free], share[free])


def _largest_taps(term: FloatTerm) -> NDArray[np.float64]:
    """Return the largest absolute weight of each row and input channel, (out, in), over taps and steps."""
    channels = input_channels(term)
    largest = np.max([np.abs(value).max(axis=(1, 2)) for value in term.weight.values], axis=0)
    dense = np.zeros((len(largest), int(channels.max()) + 1))
    np.put_along_axis(dense, channels, largest, axis=1)
    return dense


def _channels_read(operator: FloatConvolution) -> int:
    """Return how many input channels a row of a convolution has, in all of its terms."""
    return sum(term.weight.at(0).shape[3] for term in operator.terms)


def _of_channels(factors: NDArray[np.float64], numbers: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.where(numbers == KEPT, 1.0, factors[numbers])
