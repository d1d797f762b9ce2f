"""Calibration: one pass over the images, every tensor of every step seen by a streaming observer."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from itrt.converter.float_executor import FloatExecutor
from itrt.converter.float_graph import FloatGraph, FloatResize
from itrt.errors import ConversionError
from itrt.quantize import MinMaxObserver, Observer, ObserverKind, make_observer


class Calibrator:
    """Collects the range of each tensor; tensors that must have one scale (`scale_groups`) share an observer.

    Logits are observed by minimum and maximum, whatever the kind: their largest values decide the labels.
    """

    def __init__(self, graph: FloatGraph, executor: FloatExecutor, kind: ObserverKind) -> None:
        self._graph = graph
        self._executor = executor
        self._groups = scale_groups(graph)
        self._observers: dict[str, Observer] = {name: make_observer(kind) for name in set(self._groups.values())}
        self._observers[self._groups[graph.logits]] = MinMaxObserver()
        # A resampled tensor has no values outside the range of its input.
        operators = (*graph.stem, *graph.block, *graph.head)
        self._skipped = {operator.output for operator in operators if isinstance(operator, FloatResize)}

    def observe(self, image: NDArray[np.uint8]) -> None:
        """Run the float graph on a u8 (height, width, 3) image, all steps, and see every tensor."""
        try:
            self._executor.run(image, self._graph.steps, self._visit)
        except RuntimeError as error:  # torch's: sizes that do not go together
            height, width = image.shape[:2]
            raise ConversionError(
                f"calibration image of {height}x{width}: expected a size that the network can process, found "
                f"{str(error).splitlines()[0]}"
            ) from error

    def _visit(self, name: str, step: int | None, values: Tensor) -> None:
        if name in self._skipped:
            return
        low, high = torch.aminmax(values)
        if not (math.isfinite(low) and math.isfinite(high)):
            place = "" if step is None else f" in iteration {step}"
            raise ConversionError(f"{name}: expected finite values, found infinite or NaN{place} during calibration")
        self._observers[self._groups[name]].update(values.numpy())

    def ranges(self) -> dict[str, tuple[float, float]]:
        """Return (lower, upper) of each tensor but the image."""
        return {name: self._observers[group].range() for name, group in self._groups.items()}


def scale_groups(graph: FloatGraph) -> dict[str, str]:
    """Return, for each tensor but the image, a name that tensors with the same scale and zero point share.

    A resize keeps its input's scale; the state has one scale over all iterations.
    """
    group = {name: name for name in graph.tensors if name != graph.image}

    def join(first: str, second: str) -> None:
        old, new = group[second], group[first]
        for name, current in group.items():
            if current == old:
                group[name] = new

    for operator in (*graph.stem, *graph.block, *graph.head):
        if isinstance(operator, FloatResize):
            join(operator.input, operator.output)
    if graph.state is not None and graph.next_state is not None:
        join(graph.state, graph.next_state)
    return group
