"""Ways to quantize one network: with and without equalization and bias correction, calibrated in one pass."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from itrt.converter.arguments import Sample
from itrt.converter.bias_correction import rescaled_means, with_corrected_bias
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

    ``corrected`` is the graph whose shifts make up for what ``requantization`` does to means, or the same one.
    """

    factors: Factors
    bias_corrected: bool
    graph: FloatGraph
    corrected: FloatGraph
    parameters: dict[str, ActivationParameters]
    requantization: Requantization

    def quantized(self) -> QuantizedGraph:
        """Quantize the network; raises ConversionError as `quantize_graph`."""
        return quantize_with(self.corrected, self.parameters, self.requantization)

    @property
    def equalized(self) -> bool:
        """Whether any channel is rescaled."""
        return bool(self.factors)


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

    def variants(self, requantization: Requantization) -> tuple[Variant, ...]:
        """Return them, the simplest first."""
        corrections = {"off": (False,), "on": (True,), "auto": (False, True)}[self._correct_bias]
        made = []
        for factors, calibrator in self._calibrators:
            graph = rescaled(self._graph, factors) if factors else self._graph
            ranges = calibrator.ranges()
            for corrected in corrections:
                source = graph
                if corrected:
                    means = rescaled_means(graph, self._means.means(), factors)
                    source = with_corrected_bias(graph, ranges, means, requantization)
                parameters = activation_parameters_of(ranges)
                made.append(Variant(factors, corrected, graph, source, parameters, requantization))
        return tuple(made)
