"""Whole numbers that follow from sizes: computed here where the image's size is known, else by the graph."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from itrt.export.graph import Graph

_Known = NDArray[np.int64]


@dataclass(frozen=True)
class Integers:
    """An int64 array with the operators of numpy, of which none is negative where it is divided.

    Attributes
    ----------
    value
        The numbers, or the name of what the graph computes.
    """

    graph: Graph
    value: _Known | str

    @property
    def name(self) -> str:
        """What nodes call it."""
        return self.value if isinstance(self.value, str) else self.graph.constant(self.value)

    def __add__(self, other: Integers | int) -> Integers:
        return self._with("Add", np.add, other)

    def __sub__(self, other: Integers | int) -> Integers:
        return self._with("Sub", np.subtract, other)

    def __mul__(self, other: Integers | int) -> Integers:
        return self._with("Mul", np.multiply, other)

    def __floordiv__(self, other: Integers | int) -> Integers:
        return self._with("Div", np.floor_divide, other)

    def __mod__(self, other: Integers | int) -> Integers:
        return self._with("Mod", np.remainder, other)

    def at_least(self, other: Integers | int) -> Integers:
        """The larger of two, element by element."""
        return self._with("Max", np.maximum, other)

    def at_most(self, other: Integers | int) -> Integers:
        """The smaller of two, element by element."""
        return self._with("Min", np.minimum, other)

    def item(self, index: int) -> Integers:
        """Return one element of a vector, as a vector."""
        if not isinstance(self.value, str):
            return Integers(self.graph, self.value[index : index + 1])
        return Integers(self.graph, self.graph.node("Gather", [self.value, self._other(index).name], axis=0))

    def numbered(self) -> Integers:
        """Return 0, 1, ... up to the only element of this vector, without it."""
        if not isinstance(self.value, str):
            return Integers(self.graph, np.arange(self.value.item(), dtype=np.int64))
        zero, one = (self.graph.constant(np.array(number, np.int64)) for number in (0, 1))
        return Integers(self.graph, self.graph.node("Range", [zero, self.graph.node("Squeeze", [self.value]), one]))

    def column(self) -> Integers:
        """Return a vector as (elements, 1)."""
        if not isinstance(self.value, str):
            return Integers(self.graph, self.value[:, None])
        return Integers(self.graph, self.graph.node("Unsqueeze", [self.value, self._other(1).name]))

    def joined(self, *before: int) -> Integers:
        """Return this vector behind some numbers."""
        first = np.array(before, np.int64)
        if not isinstance(self.value, str):
            return Integers(self.graph, np.concatenate([first, self.value]))
        return Integers(self.graph, self.graph.node("Concat", [self.graph.constant(first), self.value], axis=0))

    def over(self, denominator: Integers | int) -> str:
        """Return the name of float32 quotients."""
        from onnx import TensorProto

        other = self._other(denominator)
        if not isinstance(self.value, str) and not isinstance(other.value, str):
            return self.graph.constant((self.value / other.value).astype(np.float32))
        floats = [self.graph.node("Cast", [each.name], to=int(TensorProto.FLOAT)) for each in (self, other)]
        return self.graph.node("Div", floats)

    def _other(self, other: Integers | int) -> Integers:
        return other if isinstance(other, Integers) else Integers(self.graph, np.array([other], np.int64))

    def _with(self, kind: str, function: Callable[[Any, Any], Any], other: Integers | int) -> Integers:
        second = self._other(other)
        if isinstance(self.value, str) or isinstance(second.value, str):
            return Integers(self.graph, self.graph.node(kind, [self.name, second.name]))
        return Integers(self.graph, function(self.value, second.value))
