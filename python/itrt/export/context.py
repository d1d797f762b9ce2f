"""What the translation of an operator knows: the graph so far, and where the tensors of the program are in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from itrt.export.graph import Graph
from itrt.export.integers import Integers
from itrt.format import Program, Tensor
from itrt.format.costs import Size

_FINEST = 2.0**-16  # less is lost beside 255 in binary32


@dataclass
class Context:
    """Tensors are u8, (1, channels, height, width), as ONNX's operators want them.

    Between DequantizeLinear and QuantizeLinear, a tensor is counted in its own steps (scale 1), not in real values: the
    factors of operators are then the program's numbers themselves, and no quotient of scales rounds them.

    Attributes
    ----------
    sizes
        Height and width of every tensor, or None where the image's are open.
    values
        The name that a tensor of the program has in the graph at this point.
    step
        The iteration, from 0, that constants are taken of.
    """

    program: Program
    sizes: tuple[Size, ...] | None
    graph: Graph = field(default_factory=Graph)
    values: dict[int, str] = field(default_factory=dict)
    step: int = 0

    def tensor(self, index: int) -> Tensor:
        """The program's tensor."""
        return self.program.tensors[index]

    def zero_point(self, index: int) -> int:
        """Of a tensor that has one."""
        return self.tensor(index).zero_points[0]

    def dequantized(self, index: int, scale: float = 1.0) -> str:
        """A tensor less its zero point, in its own steps, or times a number."""
        return self.graph.dequantize(self.values[index], scale, self.zero_point(index))

    def quantized(self, value: str, output: int, clamp: tuple[int, int] = (0, 255)) -> str:
        """Steps as u8 of a tensor; the clamp comes behind, where it leaves operators to be fused as they are."""
        result = self.graph.quantize(value, 1.0, self.zero_point(output))
        if clamp == (0, 255):
            return result
        bounds = [self.graph.constant(np.array(bound, np.uint8)) for bound in clamp]
        return self.graph.node("Clip", [result, *bounds])

    def halves_up(self, value: str, granule: float = 0.0) -> str:
        """Steps that a rounding to even rounds as itrt does: with halves up.

        `granule` is what all values are multiples of. A part of it is added: halves then go up, nothing else changes.
        """
        little = max(granule / 4, _FINEST)
        return self.graph.node("Add", [value, self.graph.constant(np.array(little, np.float32))])

    def padded(self, value: str, padding: Sequence[int], zero_point: int, mode: str = "constant") -> str:
        """Return bytes with more pixels or, where padding is negative, less: top, left, bottom, right."""
        if not any(padding):
            return value
        top, left, bottom, right = padding
        pads = self.numbers(0, 0, top, left, 0, 0, bottom, right)
        return self.graph.node("Pad", [value, pads, self.graph.constant(np.array(zero_point, np.uint8))], mode=mode)

    def size_of(self, index: int) -> Integers:
        """Height and width of a tensor."""
        if self.sizes is not None:
            return self.integers(*self.sizes[index])
        return Integers(self.graph, self.graph.node("Shape", [self.values[index]], start=2, end=4))

    def integers(self, *values: int) -> Integers:
        """Return a vector to compute with."""
        return Integers(self.graph, np.array(values, np.int64))

    def numbers(self, *values: int) -> str:
        """A constant vector's name."""
        return self.integers(*values).name
