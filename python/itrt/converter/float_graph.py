"""The float graph: the program before quantization. Same structure, same names, float weights.

Lowering makes it, `float_executor` runs it in torch, `quantization` turns it into an `itrt.format.Program`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

UNBOUNDED = (-math.inf, math.inf)


@dataclass(frozen=True, eq=False)
class FloatConstant:
    """A weight or vector: one value for all steps, or one a step."""

    values: tuple[NDArray[np.float64], ...]

    def at(self, step: int) -> NDArray[np.float64]:
        """The value that the iteration `step` (from 0) uses."""
        return self.values[step if len(self.values) > 1 else 0]


@dataclass(frozen=True)
class FloatTensor:
    """An activation; ``channels`` of them at some height and width."""

    name: str
    channels: int


@dataclass(frozen=True)
class FloatTerm:
    """One summand of a convolution: weight (out, height, width, in / groups); padding (top, left, bottom, right)."""

    input: str
    weight: FloatConstant
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1


@dataclass(frozen=True)
class FloatConvolution:
    """out = clamp(gain * sum of terms + shift); gain and shift are (out_channels,), they may differ by step."""

    output: str
    terms: tuple[FloatTerm, ...]
    gain: FloatConstant
    shift: FloatConstant
    clamp: tuple[float, float] = UNBOUNDED

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tensors it reads."""
        return tuple(term.input for term in self.terms)

    @property
    def constants(self) -> tuple[FloatConstant, ...]:
        """Everything in it that may differ by step."""
        return (*(term.weight for term in self.terms), self.gain, self.shift)


@dataclass(frozen=True)
class FloatAdd:
    """out = clamp(sum of multiplier * input); with one input a copy, a scaling or a clamp."""

    output: str
    inputs: tuple[str, ...]
    multipliers: tuple[float, ...]
    clamp: tuple[float, float] = UNBOUNDED

    @property
    def constants(self) -> tuple[FloatConstant, ...]:
        """Nothing in it differs by step."""
        return ()


@dataclass(frozen=True)
class FloatResize:
    """Bilinear resampling (half-pixel centres) of ``input`` to the height and width of the tensor ``size_of``."""

    output: str
    input: str
    size_of: str

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tensors it reads; the size of ``size_of`` counts."""
        return (self.input, self.size_of)

    @property
    def constants(self) -> tuple[FloatConstant, ...]:
        """Nothing in it differs by step."""
        return ()


FloatOperator = FloatConvolution | FloatAdd | FloatResize


@dataclass(frozen=True)
class FloatGraph:
    """A network as itrt executes it, in float.

    The tensor ``image`` holds pixel - 255 * mean (a channel each), 0 where it is padded; the division by 255 * std is
    in the weights that read it. ``state`` and ``next_state`` are None in a network without a loop, whose ``block``
    and ``head`` are empty. ``steps`` is how many iterations were captured; ``max_iterations`` as in the program.
    """

    tensors: dict[str, FloatTensor]
    image: str
    state: str | None
    next_state: str | None
    logits: str
    stem: tuple[FloatOperator, ...]
    block: tuple[FloatOperator, ...]
    head: tuple[FloatOperator, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    iterations: int
    max_iterations: int | None
    steps: int
