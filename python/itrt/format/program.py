"""The program: what an ``.itrt`` file says, as frozen dataclasses.

The fields are specified in docs/format.md and their arithmetic in docs/numerics.md. The converter makes a
`Program`, `itrt.format.write` stores it, and the C++ runtime reads, validates and executes it. Tensors hold no height
and no width: sizes follow from the image at run time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.generic]

FORMAT_VERSION = 3


@dataclass(frozen=True)
class Tensor:
    """An activation: u8, channels last; real value = scale * (stored - zero_point).

    ``zero_points`` has one entry, or, for the image alone, one a channel (its padding value, 255 * mean rounded).
    """

    name: str
    channels: int
    scale: float
    zero_points: tuple[int, ...]


@dataclass(frozen=True)
class Constant:
    """A weight or vector: one value for all steps, or one a step (`values` then has ``max_iterations`` entries)."""

    values: tuple[Array, ...]

    def at(self, step: int) -> Array:
        """The value that the iteration `step` (from 0) uses."""
        return self.values[step if len(self.values) > 1 else 0]


@dataclass(frozen=True)
class Term:
    """One summand of a convolution's accumulator: sum over taps of weight * (input - zero_point).

    ``weight`` is s8 in OHWI order, (out_channels, kernel_height, kernel_width, in_channels / groups); ``padding`` is
    (top, left, bottom, right). ``loop_invariant`` marks a term of the block whose input and weights are the same in
    every iteration: the runtime may compute it once, before the loop.
    """

    input: int
    weight: Constant
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1
    loop_invariant: bool = False


@dataclass(frozen=True)
class FixedPoint:
    """Factors multiplier / 2 ** shift, for arithmetic in integers alone; a power of two where the multiplier is +-1.

    Both are (out_channels,): ``multiplier`` i16, -32767 .. 32767, ``shift`` u8, 0 .. 46.
    """

    multiplier: Constant
    shift: Constant


@dataclass(frozen=True)
class Convolution:
    """out = clamp(round((sum of terms + bias) * scale), clamp) in units of the output's scale.

    ``bias`` is i32 and ``scale`` f32, both (out_channels,), or fixed-point; ``clamp`` are the stored u8 bounds,
    inclusive.
    """

    name: str
    output: int
    terms: tuple[Term, ...]
    bias: Constant
    scale: Constant | FixedPoint
    clamp: tuple[int, int] = (0, 255)


@dataclass(frozen=True)
class Add:
    """out = clamp(round((sum of multiplier * (input - zero_point)) / 2 ** shift)); with one input a requantization.

    ``multipliers`` are -32767 .. 32767, ``shift`` is 0 .. 28.
    """

    name: str
    output: int
    inputs: tuple[int, ...]
    multipliers: tuple[int, ...]
    shift: int
    clamp: tuple[int, int] = (0, 255)


@dataclass(frozen=True)
class Resize:
    """Resampling; the scale stays.

    One of three says the output's (height, width): ``size_of``, a tensor whose height and width it takes; ``size``,
    pixels; ``factor``, a fraction (numerator, denominator) an axis: floor(input * numerator / denominator).
    ``align_corners`` (bilinear alone): the corner pixels' centres meet; else half-pixel centres.
    """

    name: str
    output: int
    input: int
    size_of: int | None = None
    size: tuple[int, int] | None = None
    factor: tuple[tuple[int, int], tuple[int, int]] | None = None
    mode: Literal["bilinear", "nearest"] = "bilinear"
    align_corners: bool = False


@dataclass(frozen=True)
class Pool:
    """The maximum or the average of each window.

    ``kernel``, ``stride`` and ``dilation`` are (vertical, horizontal), ``padding`` is (top, left, bottom, right), each
    at most half of the kernel. ``ceil``: the last window may reach beyond the padded input, if it starts inside the
    input or its top or left padding. ``count_padding`` (average alone): padded places count as zeros. An average has
    no dilation; its requantization is scale_in / scale_out = ``multiplier`` / 2 ** ``shift``, 1 .. 32767 and 0 .. 28.
    A maximum has none (1 and 0): its output has the input's scale and zero point.
    """

    name: str
    output: int
    input: int
    mode: Literal["max", "average"]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)
    ceil: bool = False
    count_padding: bool = False
    multiplier: int = 1
    shift: int = 0


@dataclass(frozen=True)
class AdaptivePool:
    """The average of windows that divide the input into ``size`` (height, width) parts; (1, 1): one average of all.

    Place i of n reads the pixels floor(i * input / n) to ceil((i + 1) * input / n); ``multiplier`` and ``shift`` are
    those of `Pool`.
    """

    name: str
    output: int
    input: int
    size: tuple[int, int]
    multiplier: int
    shift: int


@dataclass(frozen=True)
class Lookup:
    """out = table[channel][input]: any function of one value. ``table`` is u8, (1, 256) or (channels, 256)."""

    name: str
    output: int
    input: int
    table: Constant


@dataclass(frozen=True)
class Multiply:
    """out = clamp(round((a - zero_point_a) * (b - zero_point_b) * multiplier / 2 ** shift)).

    An input has the output's height and width or is 1x1, and has the output's channels or one. ``multiplier`` is
    1 .. 32767, ``shift`` is 0 .. 45.
    """

    name: str
    output: int
    inputs: tuple[int, int]
    multiplier: int
    shift: int
    clamp: tuple[int, int] = (0, 255)


@dataclass(frozen=True)
class Gather:
    """Channels are copied: concatenation, split, slice and shuffle of channels.

    ``channels`` has one (place in ``inputs``, channel there) an output channel. Inputs and output have one scale and
    zero point, one height and width.
    """

    name: str
    output: int
    inputs: tuple[int, ...]
    channels: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Pad:
    """Pixels beyond the border: zeros (the zero point), mirrored without the edge, or the edge; the scale stays.

    ``padding`` is (top, left, bottom, right); a negative number crops. ``reflect`` needs more pixels than padding.
    """

    name: str
    output: int
    input: int
    padding: tuple[int, int, int, int]
    mode: Literal["constant", "reflect", "replicate"] = "constant"


@dataclass(frozen=True)
class DepthToSpace:
    """out[y * bh + i, x * bw + j, c] = in[y, x, (i * bw + j) * channels_out + c] of a ``block`` (bh, bw)."""

    name: str
    output: int
    input: int
    block: tuple[int, int]


Operator = Convolution | Add | Resize | Pool | AdaptivePool | Lookup | Multiply | Gather | Pad | DepthToSpace


def inputs_of(operator: Operator) -> tuple[int, ...]:
    """Return the tensors that an operator reads the bytes of, as often as it names them.

    The tensor that gives a resize its size is none of them.
    """
    match operator:
        case Convolution():
            return tuple(term.input for term in operator.terms)
        case Add() | Multiply() | Gather():
            return operator.inputs
        case _:
            return (operator.input,)


def requantization_of(convolution: Convolution) -> tuple[Constant, ...]:
    """Return what turns a convolution's sums into outputs, in the file's order: its bias, and its scale's parts."""
    scale = convolution.scale
    return convolution.bias, *((scale.multiplier, scale.shift) if isinstance(scale, FixedPoint) else (scale,))


def constants_of(operator: Operator) -> tuple[Constant, ...]:
    """Return an operator's constants, in the file's order."""
    match operator:
        case Convolution():
            return (*(term.weight for term in operator.terms), *requantization_of(operator))
        case Lookup():
            return (operator.table,)
        case _:
            return ()


@dataclass(frozen=True)
class Preprocessing:
    """How the float network saw the image: (pixel / 255 - mean) / std. Already folded into the first convolution."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    color_order: str = "RGB"


@dataclass(frozen=True)
class Program:
    """A stem (once), a block (every iteration), a head (on demand); see docs/design.md.

    The stem leaves the first state in ``state``; the block reads ``state`` (and any tensor of the stem) and leaves
    ``next_state`` (same channels, size, scale and zero point), which then is the state. Both are None in a network
    without a loop, whose block is empty. The head reads the state and any tensor of the stem and leaves ``logits``.
    ``iterations`` is the count the network was trained with; ``max_iterations`` is None where every constant is the
    same in every iteration.
    """

    name: str
    iterations: int
    max_iterations: int | None
    tensors: tuple[Tensor, ...]
    image: int
    state: int | None
    next_state: int | None
    logits: int
    stem: tuple[Operator, ...]
    block: tuple[Operator, ...]
    head: tuple[Operator, ...]
    preprocessing: Preprocessing
    classes: tuple[str, ...]
    palette: tuple[tuple[int, int, int], ...]
    metadata: dict[str, str] = field(default_factory=dict)
