"""What a conversion's report shows: layers, the worst of them in detail, and images where labels changed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from itrt.converter.convert import Conversion
from itrt.converter.dequantization import Requantization
from itrt.converter.float_executor import FloatExecutor
from itrt.converter.float_graph import FloatGraph
from itrt.converter.float_operators import FloatOperator
from itrt.converter.layer_comparison import LabelPair, LayerComparison, LayerDifference
from itrt.converter.parity import TensorKey, dequantized
from itrt.converter.sixteen_bits import TensorWorth, worth_of_tensors
from itrt.errors import InvalidArgumentError
from itrt.format import Program, to_bytes

Image = NDArray[np.uint8]

_MOST_BINS_BEYOND = 64  # on each side of the range; the last one has all that is farther away


@dataclass(frozen=True)
class LayerHistogram:
    """Values of a layer in one iteration, counted: ``edges`` (bins + 1,), counts (bins,) of float and of int8.

    ``limits`` are the smallest and the largest value that the tensor can hold.
    """

    layer: LayerDifference
    limits: tuple[float, float]
    edges: NDArray[np.float64]
    float_counts: NDArray[np.int64]
    int8_counts: NDArray[np.int64]


@dataclass(frozen=True)
class ChangedImage:
    """An image, u8 (height, width, 3), and its labels; ``index`` is its place among those of the report."""

    index: int
    image: Image
    labels: LabelPair


@dataclass(frozen=True)
class Examination:
    """All layers in the order of execution; the worst of them; the images with most changed labels, these first."""

    layers: tuple[LayerDifference, ...]
    histograms: tuple[LayerHistogram, ...]
    worth: tuple[TensorWorth, ...]
    changed: tuple[ChangedImage, ...]


def examine(conversion: Conversion, *, worst_layers: int = 6, worst_images: int = 4) -> Examination:
    """Compare a conversion with its float network in detail, on the images of its parity report.

    Parameters
    ----------
    worst_layers
        How many layers to look at in detail: those whose own signal-to-noise ratio is lowest in any iteration.
    worst_images
        How many images to return; histograms and the worth of 16 bits are measured on these, too.

    Raises
    ------
    InvalidArgumentError
        If the conversion had no images for a parity report.
    """
    graph, program = conversion.graph, conversion.program
    if not conversion.images:
        raise InvalidArgumentError("conversion: expected one with parity_images of at least 1, found none")
    comparison = LayerComparison(graph, program)
    pairs = [comparison.add(image) for image in conversion.images]
    layers = comparison.layers()
    order = sorted(range(len(pairs)), key=lambda index: -pairs[index].changed)[:worst_images]
    changed = tuple(ChangedImage(index, conversion.images[index], pairs[index]) for index in order)
    images = [each.image for each in changed]
    worst = _worst(layers, worst_layers)
    histograms = _histograms(graph, program, worst, images)
    worth = worth_of_tensors(graph, program, [layer.tensor for layer in worst], images)
    return Examination(layers, histograms, worth, changed)


def _worst(layers: Sequence[LayerDifference], count: int) -> list[LayerDifference]:
    """Return the layers with the lowest own ratio, each in its worst iteration."""
    ordered = sorted(layers, key=lambda layer: layer.own_snr_db)
    worst: dict[str, LayerDifference] = {}
    for layer in ordered:
        worst.setdefault(layer.tensor, layer)
    return list(worst.values())[:count]


def _histograms(
    graph: FloatGraph, program: Program, worst: Sequence[LayerDifference], images: Sequence[Image]
) -> tuple[LayerHistogram, ...]:
    """Count the values of some layers, each in its worst iteration."""
    from itrt.loading import load  # the compiled module

    model, requantization = load(to_bytes(program)), Requantization(program)
    tensors = {tensor.name: tensor for tensor in program.tensors}
    keys: dict[TensorKey, LayerDifference] = {(layer.tensor, layer.step): layer for layer in worst}
    values: dict[TensorKey, list[tuple[NDArray[np.float32], NDArray[np.float32]]]] = {key: [] for key in keys}
    for image in images:
        taps = model.taps(image, graph.iterations, [layer.tensor for layer in worst])

        def see(
            operator: FloatOperator,
            step: int | None,
            found: Mapping[str, Tensor],
            taps: dict[TensorKey, NDArray[np.uint8]] = taps,
        ) -> None:
            key = operator.output, step
            if key in keys:
                values[key].append((found[key[0]].numpy().ravel(), dequantized(taps[key], tensors[key[0]]).ravel()))

        FloatExecutor(graph).run(image, graph.iterations, see)
    return tuple(_histogram(layer, requantization.limits(layer.tensor), values[key]) for key, layer in keys.items())


def _histogram(
    layer: LayerDifference,
    limits: tuple[float, float],
    values: Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]],
) -> LayerHistogram:
    expected, found = (np.concatenate(each) for each in zip(*values, strict=True))
    step = (limits[1] - limits[0]) / 255.0
    width = 2.0 * step  # as many stored values in each bin: a comb would be the bins', not the layer's
    below, above = (
        min(math.ceil(max(beyond, 0.0) / width), _MOST_BINS_BEYOND)
        for beyond in (limits[0] - float(expected.min()), float(expected.max()) - limits[1])
    )
    edges = limits[0] - step / 2.0 + width * np.arange(-below, 128 + above + 1, dtype=np.float64)
    counts = [np.histogram(np.clip(each, edges[0], edges[-1]), edges)[0].astype(np.int64) for each in (expected, found)]
    return LayerHistogram(layer, limits, edges, *counts)
