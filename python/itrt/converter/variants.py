"""Ways to quantize one network: with and without equalization and bias correction, calibrated in one pass."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from itrt.converter.arguments import Sample
from itrt.converter.bias_correction import Means, rescaled_means, with_corrected_bias
from itrt.converter.calibration import Calibrator, observe
from itrt.converter.channel_statistics import ChannelRanges, WindowMeans
from itrt.converter.equalization import Factors, equalization_factors, rescaled
from itrt.converter.float_executor import FloatExecutor, Visitor
from itrt.converter.float_graph import FloatGraph
from itrt.converter.quantization import QuantizedGraph, activation_parameters_of, quantize_with
from itrt.quantize import ActivationParameters, ObserverKind, Requantization

Choice = Literal["auto", "on", "off"]
"""Of an option: always, never, or where it brings logits closer to float."""

RANGE_IMAGES = 8
"""How many of the first images the factors of equalization follow from: these are seen twice."""


@dataclass(frozen=True)
class Variant:
    """A way to quantize. ``graph`` is its float network, whose tensors are those of the program, but for rounding.

    ``factors`` are those of equalization, ``means`` are what biases are corrected with; None: they are not.
    """

    factors: Factors
    graph: FloatGraph
    parameters: dict[str, ActivationParameters]
    means: Means | None = None

    @property
    def equalized(self) -> bool:
        """Whether any channel is rescaled."""
        return bool(self.factors)

    @property
    def bias_corrected(self) -> bool:
        """Whether shifts make up for rounded weights."""
        return self.means is not None

    def quantized(self, requantization: Requantization) -> QuantizedGraph:
        """Quantize; raises as `quantize_graph`."""
        source = self.graph
        if self.means is not None:
            source = with_corrected_bias(source, self.parameters, self.means, requantization)
        return quantize_with(source, self.parameters, requantization)


class VariantCalibration:
    """Collects what all variants that may be chosen need, from one pass over the images.

    Parameters
    ----------
    graph, executor
        The float network.
    observer
        How ranges are calibrated.
    equalize, correct_bias
        Whether there are variants with, without, or both.
    """

    def __init__(
        self,
        graph: FloatGraph,
        executor: FloatExecutor,
        observer: ObserverKind,
        *,
        equalize: Choice = "off",
        correct_bias: Choice = "off",
    ) -> None:
        self._graph = graph
        self._executor = executor
        self._observer = observer
        self._equalize = equalize
        self._correct_bias = correct_bias
        self._means = WindowMeans()
        self._calibrators: list[tuple[Factors, Calibrator]] = []

    def observe(self, samples: Iterator[Sample], keep: int, progress: Callable[[int], None]) -> list[Sample]:
        """Observe every image; return the first ``keep`` samples. Never more images are held than `RANGE_IMAGES`."""
        first = list(itertools.islice(samples, RANGE_IMAGES)) if self._equalize != "off" else []
        self._calibrators = self._new_calibrators(first)
        visitors: list[Visitor] = [calibrator.see for _, calibrator in self._calibrators]
        if self._correct_bias != "off":
            visitors.append(self._means.see)
        kept: list[Sample] = []
        for index, sample in enumerate(itertools.chain(first, samples)):
            observe(sample[0], self._graph, self._executor, visitors)
            if index < keep:
                kept.append(sample)
            progress(index + 1)
        return kept

    def _new_calibrators(self, first: Sequence[Sample]) -> list[tuple[Factors, Calibrator]]:
        """Return a calibrator for each set of factors: none, those of equalization, or both."""
        chosen: list[Factors] = []
        if self._equalize != "off":
            ranges = ChannelRanges()
            for image, _ in first:
                observe(image, self._graph, self._executor, [ranges.see])
            factors = equalization_factors(self._graph, ranges.largest())
            if factors:
                chosen.append(factors)
        if self._equalize != "on" or not chosen:
            chosen.insert(0, {})
        return [(factors, Calibrator(self._graph, self._executor, self._observer, factors)) for factors in chosen]

    def variants(self) -> tuple[Variant, ...]:
        """Return them, the simplest first."""
        corrections = {"off": (False,), "on": (True,), "auto": (False, True)}[self._correct_bias]
        made = []
        for factors, calibrator in self._calibrators:
            graph = rescaled(self._graph, factors) if factors else self._graph
            parameters = activation_parameters_of(calibrator.ranges())
            for corrected in corrections:
                means = rescaled_means(graph, self._means.means(), factors) if corrected else None
                made.append(Variant(factors, graph, parameters, means))
        return tuple(made)
