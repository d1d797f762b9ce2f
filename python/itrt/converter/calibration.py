"""Calibration: one pass over the images, every tensor of every step seen by a streaming observer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from itrt.converter.float_executor import FloatExecutor, Visitor
from itrt.converter.float_graph import FloatGraph
from itrt.converter.float_operators import FloatOperator, FloatResize, keeps_scale
from itrt.errors import ConversionError
from itrt.quantize import MinMaxObserver, Observer, ObserverKind, make_observer


class Calibrator:
    """Collects the range of each tensor; tensors that must have one scale (`scale_groups`) share an observer.

    Logits are observed by minimum and maximum, whatever the kind: their largest values decide the labels.

    Parameters
    ----------
    graph, executor
        What calibration images run through.
    kind
        Of the observers.
    factors
        What each channel of some tensors is divided by before it is observed, (channels,): the ranges are then those
        of the graph that `equalization.rescaled` makes.
    """

    def __init__(
        self,
        graph: FloatGraph,
        executor: FloatExecutor,
        kind: ObserverKind,
        factors: Mapping[str, NDArray[np.float64]] | None = None,
    ) -> None:
        self._graph = graph
        self._executor = executor
        self._groups = scale_groups(graph)
        self._observers: dict[str, Observer] = {name: make_observer(kind) for name in set(self._groups.values())}
        self._observers[self._groups[graph.logits]] = MinMaxObserver()
        # What is copied, resampled or the largest of a window has no values outside the range of its inputs.
        self._skipped = {operator.output for operator in graph.operators if keeps_scale(operator)}
        self._inverse = {
            name: torch.from_numpy(1.0 / factor).float().view(1, -1, 1, 1) for name, factor in (factors or {}).items()
        }

    def observe(self, image: NDArray[np.uint8]) -> None:
        """Run the float graph on a u8 (height, width, 3) image, all steps, and see every tensor."""
        observe(image, self._graph, self._executor, [self.see])

    def see(self, operator: FloatOperator, step: int | None, tensors: Mapping[str, Tensor]) -> None:
        """See what an operator wrote: to be called by a `FloatExecutor`."""
        name, values = operator.output, tensors[operator.output]
        if name in self._skipped:
            return
        if name in self._inverse:
            values = values * self._inverse[name]
        self._observers[self._groups[name]].update(values.numpy())

    def ranges(self) -> dict[str, tuple[float, float]]:
        """Return (lower, upper) of each tensor but the image."""
        return {name: self._observers[group].range() for name, group in self._groups.items()}


def observe(image: NDArray[np.uint8], graph: FloatGraph, executor: FloatExecutor, visitors: Sequence[Visitor]) -> None:
    """Run the float graph on a u8 (height, width, 3) image, all steps, once for all who want to see its tensors.

    Raises
    ------
    ConversionError
        If the network cannot process an image of this size, or values become infinite or NaN.
    """

    def visit(operator: FloatOperator, step: int | None, tensors: Mapping[str, Tensor]) -> None:
        low, high = torch.aminmax(tensors[operator.output])
        if not (math.isfinite(low) and math.isfinite(high)):
            place = "" if step is None else f" in iteration {step}"
            raise ConversionError(
                f"{operator.output}: expected finite values, found infinite or NaN{place} during calibration"
            )
        for each in visitors:
            each(operator, step, tensors)

    try:
        executor.run(image, graph.steps, visit)
    except RuntimeError as error:  # torch's: sizes that do not go together
        height, width = image.shape[:2]
        raise ConversionError(
            f"calibration image of {height}x{width}: expected a size that the network can process, found "
            f"{str(error).splitlines()[0]}"
        ) from error


def scale_groups(graph: FloatGraph) -> dict[str, str]:
    """Return, for each tensor but the image, a name that tensors with the same scale and zero point share.

    An operator that copies, resamples or compares keeps its inputs' scale, so all that a gather reads has one; the
    state has one scale over all iterations.
    """
    group = {name: name for name in graph.tensors if name != graph.image}

    def join(first: str, second: str) -> None:
        old, new = group[second], group[first]
        for name, current in group.items():
            if current == old:
                group[name] = new

    for operator in graph.operators:
        if keeps_scale(operator):
            sources = (operator.input,) if isinstance(operator, FloatResize) else operator.inputs
            for source in sources:
                join(source, operator.output)
    if graph.state is not None and graph.next_state is not None:
        join(graph.state, graph.next_state)
    return group
