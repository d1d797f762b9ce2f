"""A float network and its program side by side, layer by layer: where they part, and why.

Each layer is looked at twice, in every iteration:

    image ──► int8 ──► int8 ──► int8 ──► layer      with int8's own inputs: the noise of all that came before, too
    image ──► float ─► float ─► round ─► layer      alone, with float's inputs rounded to u8: its own noise

The first comes from the runtime, the second from the program's constants (`dequantization`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from itrt.converter import arguments
from itrt.converter.convert import float_graph
from itrt.converter.dequantization import Requantization, dequantized_graph
from itrt.converter.equalization import rescaled
from itrt.converter.factor_text import EQUALIZATION, factors_from_text
from itrt.converter.float_executor import FloatExecutor
from itrt.converter.float_graph import FloatGraph
from itrt.converter.float_operators import FloatOperator
from itrt.converter.layer_sums import LayerSums, channels_last
from itrt.converter.parity import TensorKey, dequantized, labels_of
from itrt.errors import InvalidArgumentError
from itrt.format import Program, to_bytes

Image = NDArray[np.uint8]

DEFAULT_THRESHOLD_DB = 15.0


@dataclass(frozen=True)
class LayerDifference:
    """How far a layer in int8 is from float in one iteration; the step is None in the stem.

    Attributes
    ----------
    tensor, step
        What the layer writes, and when.
    inputs
        What it reads.
    snr_db
        Signal-to-noise ratio as the program runs, with the errors of all layers before it.
    own_snr_db
        The same with float's inputs, rounded: the layer's own error.
    gain
        The number that, times float's result, comes closest to the layer's own: 1 but for faults.
    clipped
        Share, 0..1, of float's values that are beyond what the tensor can hold.
    used
        The part of the tensor's range that float's values span, 0..1 or more.
    silent
        Channels that vary in float, and are one value in the layer's own result.
    """

    tensor: str
    step: int | None
    inputs: tuple[str, ...]
    snr_db: float
    own_snr_db: float
    gain: float
    clipped: float
    used: float
    silent: int


@dataclass(frozen=True)
class LabelPair:
    """The labels of an image after the last iteration, integers (height, width)."""

    float_labels: NDArray[np.integer]
    int8_labels: NDArray[np.integer]

    @property
    def changed(self) -> float:
        """The share of pixels that differ, 0..1."""
        return float(np.mean(self.float_labels != self.int8_labels))


def compare_layers(network: nn.Module, program: Program, images: Iterable[Image]) -> tuple[LayerDifference, ...]:
    """Run a float network and its program on the same images and compare every tensor of every iteration.

    Parameters
    ----------
    network
        What the program was converted from; converted as in evaluation mode, and not changed.
    program
        Of a file: `itrt.format.read`.
    images
        u8 (height, width, 3): any iterable, iterated once.

    Returns
    -------
    One row a tensor and iteration, in the order of execution.

    Raises
    ------
    InvalidArgumentError
        If the program is not this network's (the first tensor that differs is named), or there is no image.
    ConversionError
        If the network cannot be converted.
    """
    arguments.check_network(network)
    preprocessing = program.preprocessing
    graph = float_graph_of(program, float_graph(network, preprocessing.mean, preprocessing.std))
    comparison = LayerComparison(graph, program)
    for index, image in enumerate(images):
        comparison.add(arguments.check_image(image, f"image {index}"))
    return comparison.layers()


def float_graph_of(program: Program, graph: FloatGraph) -> FloatGraph:
    """Return the float graph with the program's tensors: channels rescaled as the file says; raise if they differ."""
    expected = {tensor.name: tensor.channels for tensor in program.tensors}
    found = {name: tensor.channels for name, tensor in graph.tensors.items()}
    for name in [*expected, *found]:
        if expected.get(name) != found.get(name):
            raise InvalidArgumentError(
                f"network: expected that of {program.name}, whose tensor {name} has {_channels(expected.get(name))}, "
                f"found one in which it has {_channels(found.get(name))}"
            )
    factors = factors_from_text(program.metadata.get(EQUALIZATION))
    for name, values in factors.items():
        if found.get(name) != len(values):
            raise InvalidArgumentError(
                f"{program.name}: metadata {EQUALIZATION}: expected {found.get(name)} factors of channels of {name}, "
                f"found {len(values)}"
            )
    return rescaled(graph, factors)


def _channels(count: int | None) -> str:
    return "none" if count is None else f"{count} channels"


class LayerComparison:
    """Accumulates the differences image by image; needs ``graph`` to have the program's tensors."""

    def __init__(self, graph: FloatGraph, program: Program) -> None:
        from itrt.loading import load  # the compiled module

        self._graph = graph
        self._program = program
        self._model = load(to_bytes(program))
        self._executor = FloatExecutor(graph)
        simulated = dequantized_graph(program)
        self._simulator = FloatExecutor(simulated)
        self._simulated = {operator.output: operator for operator in simulated.operators}
        self._requantization = Requantization(program)
        self._tensors = {tensor.name: tensor for tensor in program.tensors}
        # From the graph's image, pixel - mean, to the program's, pixel - rounded mean.
        means, points = 255.0 * np.asarray(graph.mean), program.tensors[program.image].zero_points
        self._image_offset = torch.tensor(means - points).float().view(1, -1, 1, 1)
        self._sums: dict[TensorKey, LayerSums] = {}

    def add(self, image: Image) -> LabelPair:
        """Compare on a u8 (height, width, 3) image, for as many iterations as the network was trained with."""
        iterations = self._graph.iterations
        taps = self._model.taps(image, iterations=iterations)

        def compare(operator: FloatOperator, step: int | None, tensors: Mapping[str, Tensor]) -> None:
            name = operator.output
            sums = self._sums.setdefault((name, step), LayerSums(operator.inputs))
            expected = tensors[name]
            own = self._own_result(name, step, tensors)
            stored = dequantized(taps[name, step], self._tensors[name])
            sums.total.add(channels_last(expected), stored)
            sums.add_own(expected, own, self._requantization.limits(name))

        logits = self._executor.run(image, iterations, compare)[-1]
        size = image.shape[:2]
        last = None if self._graph.state is None else iterations - 1
        stored = taps[self._graph.logits, last]
        return LabelPair(labels_of(logits, size), self._model.labels_from_logits(stored, *size))

    def _own_result(self, name: str, step: int | None, tensors: Mapping[str, Tensor]) -> Tensor:
        operator = self._simulated[name]
        inputs = {source: self._stored(source, tensors[source]) for source in operator.inputs}
        return self._requantization.rounded(name, self._simulator.result(operator, inputs, step or 0))

    def _stored(self, name: str, values: Tensor) -> Tensor:
        if name == self._graph.image:
            return values + self._image_offset
        return self._requantization.nearest(name, values)

    def layers(self) -> tuple[LayerDifference, ...]:
        """Return the differences over all images so far; raise if there was none."""
        if not self._sums:
            raise InvalidArgumentError("images: expected at least one, found none")
        return tuple(
            LayerDifference(
                name,
                step,
                sums.inputs,
                sums.total.decibel(),
                sums.own.decibel(),
                sums.gain(),
                sums.clipped / sums.count,
                sums.used(self._requantization.limits(name)),
                sums.silent(),
            )
            for (name, step), sums in self._sums.items()
        )
