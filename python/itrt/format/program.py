"""The program: what an ``.itrt`` file says, as frozen dataclasses.

The fields are specified in docs/format.md and their arithmetic in docs/numerics.md. The converter makes a
`Program`, `itrt.format.write` stores it, and the C++ runtime reads, validates and executes it. Tensors hold no height
and no width: sizes follow from the image at run time.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.generic]

FORMAT_VERSION = 2


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
class Convolution:
    """out = clamp(round((sum of terms + bias) * scale), clamp) in units of the output's scale.

    ``bias`` is i32 and ``scale`` f32, both (out_channels,); ``clamp`` are the stored u8 bounds, inclusive.
    """

    name: str
    output: int
    terms: tuple[Term, ...]
    bias: Constant
    scale: Constant
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
    """Bilinear resampling, half-pixel centres, to the height and width of the tensor `size_of`; the scale stays."""

    name: str
    output: int
    input: int
    size_of: int


Operator = Convolution | Add | Resize


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
