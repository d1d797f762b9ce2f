"""The operators of the float graph: those of `itrt.format`, before quantization."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

UNBOUNDED = (-math.inf, math.inf)


@dataclass(frozen=True, eq=False)
class FloatConstant:
    """A weight or vector: one value for all steps, or one a step."""

    values: tuple[NDArray[np.float64], ...]

    def at(self, step: int) -> NDArray[np.float64]:
        """The value that the iteration `step` (from 0) uses."""
        return self.values[step if len(self.values) > 1 else 0]


def combine(function: Callable[..., Any], *constants: FloatConstant) -> FloatConstant:
    """Apply a function to constants, step by step where any of them differs by step."""
    steps = max(len(constant.values) for constant in constants)
    return FloatConstant(tuple(function(*(constant.at(step) for constant in constants)) for step in range(steps)))


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
class _WithoutConstants:
    """An operator in which nothing differs by step."""

    output: str

    @property
    def constants(self) -> tuple[FloatConstant, ...]:
        """Nothing in it differs by step."""
        return ()


@dataclass(frozen=True)
class _OfOneInput(_WithoutConstants):
    input: str

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tensors it reads."""
        return (self.input,)


@dataclass(frozen=True)
class FloatAdd(_WithoutConstants):
    """out = clamp(sum of multiplier * input); with one input a copy, a scaling or a clamp."""

    inputs: tuple[str, ...]
    multipliers: tuple[float, ...]
    clamp: tuple[float, float] = UNBOUNDED


@dataclass(frozen=True)
class FloatMultiply(_WithoutConstants):
    """out = clamp(first * second); either may have one pixel or one channel, which then goes with all."""

    inputs: tuple[str, str]
    clamp: tuple[float, float] = UNBOUNDED


@dataclass(frozen=True)
class UnaryFunction:
    """A function of one value in torch; called with a tensor (1, channels, height, width) and its constants.

    Constants reach it as tensors (1, channels, 1, 1), or (1, 1, 1, 1) where all channels have one.
    """

    function: Callable[..., Tensor]
    constants: tuple[FloatConstant, ...] = ()


@dataclass(frozen=True)
class FloatLookup:
    """out = the functions applied to the input, one after another; in int8 they are one table."""

    output: str
    input: str
    functions: tuple[UnaryFunction, ...]

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tensors it reads."""
        return (self.input,)

    @property
    def constants(self) -> tuple[FloatConstant, ...]:
        """Everything in it that may differ by step."""
        return tuple(constant for function in self.functions for constant in function.constants)


@dataclass(frozen=True)
class FloatResize(_OfOneInput):
    """Resampling to a tensor's height and width, to pixels, or by fractions (numerator, denominator): one of three.

    Positions follow from the two sizes alone, whatever the fraction was; ``align_corners`` is for bilinear alone.
    """

    size_of: str | None = None
    size: tuple[int, int] | None = None
    factor: tuple[tuple[int, int], tuple[int, int]] | None = None
    mode: Literal["bilinear", "nearest"] = "bilinear"
    align_corners: bool = False

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tensors it reads; the size of ``size_of`` counts."""
        return (self.input,) if self.size_of is None else (self.input, self.size_of)


@dataclass(frozen=True)
class FloatPool(_OfOneInput):
    """The maximum or average of windows; pairs are (vertical, horizontal), ``padding`` is on both sides."""

    mode: Literal["max", "average"]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    ceil: bool = False
    count_padding: bool = False


@dataclass(frozen=True)
class FloatAdaptivePool(_OfOneInput):
    """The averages of ``size`` (height, width) windows that cover the input."""

    size: tuple[int, int]


@dataclass(frozen=True)
class FloatGather(_WithoutConstants):
    """out[c] = inputs[place][channel] with (place, channel) = channels[c]."""

    inputs: tuple[str, ...]
    channels: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class FloatPad(_OfOneInput):
    """``padding`` (top, left, bottom, right) with zeros, mirrored pixels or those of the edge; negative: cropped."""

    padding: tuple[int, int, int, int]
    mode: Literal["constant", "reflect", "replicate"] = "constant"


@dataclass(frozen=True)
class FloatDepthToSpace(_OfOneInput):
    """out[y * bh + i, x * bw + j, c] = in[y, x, (i * bw + j) * channels_out + c] of a ``block`` (bh, bw)."""

    block: tuple[int, int]


FloatOperator = (
    FloatConvolution
    | FloatAdd
    | FloatMultiply
    | FloatLookup
    | FloatResize
    | FloatPool
    | FloatAdaptivePool
    | FloatGather
    | FloatPad
    | FloatDepthToSpace
)


def keeps_scale(operator: FloatOperator) -> bool:
    """Return whether the output has no values but the inputs': in int8, one scale and zero point serve them all."""
    return isinstance(operator, (FloatResize, FloatGather, FloatPad, FloatDepthToSpace)) or (
        isinstance(operator, FloatPool) and operator.mode == "max"
    )


def with_constants(operator: FloatOperator, constants: Iterable[FloatConstant]) -> FloatOperator:
    """Return the operator with others for its ``constants``, in their order."""
    following = iter(constants)
    match operator:
        case FloatConvolution():
            terms = tuple(replace(term, weight=next(following)) for term in operator.terms)
            return replace(operator, terms=terms, gain=next(following), shift=next(following))
        case FloatLookup():
            functions = tuple(
                replace(function, constants=tuple(next(following) for _ in function.constants))
                for function in operator.functions
            )
            return replace(operator, functions=functions)
        case _:
            return operator
