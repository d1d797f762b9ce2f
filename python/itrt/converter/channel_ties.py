"""Which channels can be rescaled, and which of them only together.

A channel divided by a positive factor keeps a network's results where all that reads it makes up for the factor:

    convolution ──► channel / factor ──► ReLU, max ──► convolution
    rows / factor                        the same      columns * factor

What lies between has to be positively homogeneous channel by channel, f(x / s) = f(x) / s. An addition and whatever
copies or resamples ties the channels of its inputs to those of its output; a table, or a clamp at a number other than
zero, is of values as they are, so its channels keep theirs.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from itrt.converter.float_graph import FloatGraph
from itrt.converter.float_operators import (
    FloatAdaptivePool,
    FloatAdd,
    FloatConvolution,
    FloatDepthToSpace,
    FloatGather,
    FloatLookup,
    FloatMultiply,
    FloatOperator,
    FloatPad,
    FloatPool,
    FloatResize,
)

Channels = NDArray[np.int64]

KEPT = -1
"""The class of channels that cannot be rescaled."""


def channel_classes(graph: FloatGraph) -> dict[str, Channels]:
    """Return the class of every channel of every tensor, (channels,): a class has one factor, `KEPT` has none."""
    ties = _Ties(graph)
    for operator in graph.operators:
        ties.add(operator)
    for operator in graph.operators:  # when it is known what is kept
        if isinstance(operator, FloatMultiply):
            ties.add_product(operator)
    return ties.classes()


class _Ties:
    """A union-find structure over all channels of all tensors; class 0 holds what is kept."""

    def __init__(self, graph: FloatGraph) -> None:
        self._channels: dict[str, Channels] = {}
        count = 1
        for name, tensor in graph.tensors.items():
            self._channels[name] = np.arange(count, count + tensor.channels)
            count += tensor.channels
        self._parents = list(range(count))
        self._keep(graph.image)
        self._keep(graph.logits)
        if graph.state is not None and graph.next_state is not None:
            self._tie(self._channels[graph.state], self._channels[graph.next_state])

    def classes(self) -> dict[str, Channels]:
        """Return the classes, numbered from 0 in the order of their first channels."""
        numbers = {0: KEPT}
        return {
            name: np.array([numbers.setdefault(self._find(int(c)), len(numbers) - 1) for c in channels], np.int64)
            for name, channels in self._channels.items()
        }

    def add(self, operator: FloatOperator) -> None:
        """Tie what an operator ties, but for products."""
        output = self._channels[operator.output]
        match operator:
            case FloatConvolution(clamp=clamp):
                if not _is_homogeneous(clamp):
                    self._keep(operator.output)
            case FloatAdd(inputs=inputs, clamp=clamp):
                if not _is_homogeneous(clamp):
                    self._keep(operator.output)
                for name in inputs:
                    self._tie(output, self._channels[name])
            case FloatLookup(input=name):
                self._keep(operator.output)
                self._keep(name)
            case FloatGather(inputs=inputs, channels=channels):
                sources = [self._channels[inputs[place]][channel] for place, channel in channels]
                self._tie(output, np.array(sources))
            case FloatDepthToSpace(input=name, block=(down, across)):
                self._tie(np.tile(output, down * across), self._channels[name])
            case FloatResize() | FloatPool() | FloatAdaptivePool() | FloatPad():
                self._tie(output, self._channels[operator.input])
            case FloatMultiply():
                pass

    def add_product(self, operator: FloatMultiply) -> None:
        """Let one factor of a product keep its channels, such as a gate; the other's are the output's."""
        first, second = operator.inputs
        if not self._is_kept(second) and self._is_kept(first):
            first, second = second, first
        self._keep(second)
        self._tie(self._channels[operator.output], self._channels[first])
        if not _is_homogeneous(operator.clamp):
            self._keep(operator.output)

    def _keep(self, name: str) -> None:
        self._tie(np.zeros(1, np.int64), self._channels[name])

    def _is_kept(self, name: str) -> bool:
        root = self._find(0)
        return all(self._find(int(channel)) == root for channel in self._channels[name])

    def _tie(self, first: Channels, second: Channels) -> None:
        """Join the classes of channels, pair by pair; one channel goes with all."""
        for a, b in zip(*np.broadcast_arrays(first, second), strict=True):
            roots = self._find(int(a)), self._find(int(b))
            self._parents[max(roots)] = min(roots)

    def _find(self, channel: int) -> int:
        while self._parents[channel] != channel:
            self._parents[channel] = self._parents[self._parents[channel]]
            channel = self._parents[channel]
        return channel


def _is_homogeneous(clamp: tuple[float, float]) -> bool:
    return all(bound == 0.0 or math.isinf(bound) for bound in clamp)
