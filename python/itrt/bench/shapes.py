"""What the kernel benchmark measures: shapes as data, and shapes drawn at random."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatch
from math import prod
from typing import Literal

import numpy as np


@dataclass(frozen=True)
class TermShape:
    """One summand: a square kernel, padded so that stride 1 keeps the size."""

    kernel: int = 3
    stride: int = 1
    dilation: int = 1
    groups: int = 1
    five_point: bool = False  # only the centre and its four neighbours have weights

    @property
    def padding(self) -> int:
        """On every side."""
        return self.dilation * (self.kernel - 1) // 2

    @property
    def taps(self) -> int:
        """Pixels that an output pixel reads."""
        return 5 if self.five_point else self.kernel**2

    def output_size(self, size: int) -> int:
        """Of one axis."""
        return (size + 2 * self.padding - self.dilation * (self.kernel - 1) - 1) // self.stride + 1

    def describe(self, channels: int) -> str:
        """Such as "grouped (8) 3x3 s2"."""
        parts = [f"{self.kernel}x{self.kernel}" if not self.five_point else "five-point"]
        if self.groups == channels:
            parts.insert(0, "depthwise")
        elif self.groups > 1:
            parts.insert(0, f"grouped ({self.groups})")
        if self.stride > 1:
            parts.append(f"s{self.stride}")
        if self.dilation > 1:
            parts.append(f"dilation {self.dilation}")
        return " ".join(parts)


@dataclass(frozen=True)
class ConvolutionShape:
    """A sum of terms that read one input."""

    in_channels: int
    out_channels: int
    height: int  # of the input
    width: int
    terms: tuple[TermShape, ...] = field(default=(TermShape(),))

    operation = "convolution"

    @property
    def name(self) -> str:
        """Such as "3x3 s2 64->96 90x120"."""
        terms = " + ".join(term.describe(self.in_channels) for term in self.terms)
        return f"{terms} {self.in_channels}->{self.out_channels} {self.height}x{self.width}"

    @property
    def output_shape(self) -> tuple[int, int, int]:
        """Height, width, channels."""
        term = self.terms[0]
        return term.output_size(self.height), term.output_size(self.width), self.out_channels

    @property
    def weights(self) -> int:
        """Their number, those that are zero by construction not counted."""
        return sum(term.taps * self.in_channels // term.groups * self.out_channels for term in self.terms)

    @property
    def macs(self) -> int:
        """Multiply-accumulates; those with padding are counted, too."""
        return self.weights * prod(self.output_shape[:2])

    @property
    def bytes(self) -> int:
        """Of input, weights and output, each once."""
        return self.height * self.width * self.in_channels + self.weights + prod(self.output_shape)


@dataclass(frozen=True)
class AddShape:
    """The sum of some arrays."""

    inputs: int
    height: int
    width: int
    channels: int

    operation = "add"
    macs = 0

    @property
    def name(self) -> str:
        """Such as "add 2 x 90x120x64"."""
        return f"add {self.inputs} x {self.height}x{self.width}x{self.channels}"

    @property
    def bytes(self) -> int:
        """Of inputs and output."""
        return (self.inputs + 1) * self.height * self.width * self.channels


@dataclass(frozen=True)
class ResampleShape:
    """Bilinear resampling of u8 (`resize`), or labels at the larger size (`labels`)."""

    operation: str
    height: int
    width: int
    channels: int
    output_height: int
    output_width: int

    macs = 0

    @property
    def name(self) -> str:
        """Such as "resize 45x60x64 -> 90x120"."""
        source = f"{self.height}x{self.width}x{self.channels}"
        return f"{self.operation} {source} -> {self.output_height}x{self.output_width}"

    @property
    def bytes(self) -> int:
        """Of input and output."""
        channels = self.channels if self.operation == "resize" else 1
        return self.height * self.width * self.channels + self.output_height * self.output_width * channels


@dataclass(frozen=True)
class PoolShape:
    """Maxima or averages of square windows, padded by half of the kernel; ``kernel`` None: an average of all pixels."""

    mode: Literal["max", "average"]
    kernel: int | None
    stride: int
    height: int
    width: int
    channels: int

    operation = "pool"
    macs = 0

    @property
    def window(self) -> tuple[int, int]:
        """Vertical, horizontal."""
        return (self.height, self.width) if self.kernel is None else (self.kernel, self.kernel)

    @property
    def padding(self) -> int:
        """On every side."""
        return 0 if self.kernel is None else (self.kernel - 1) // 2

    @property
    def output_shape(self) -> tuple[int, int, int]:
        """Height, width, channels."""
        height, width = (
            (size + 2 * self.padding - window) // self.stride + 1
            for size, window in zip((self.height, self.width), self.window, strict=True)
        )
        return height, width, self.channels

    @property
    def name(self) -> str:
        """Such as "max pool 3x3 s2 90x120x64"."""
        window = "global" if self.kernel is None else f"{self.kernel}x{self.kernel} s{self.stride}"
        return f"{self.mode} pool {window} {self.height}x{self.width}x{self.channels}"

    @property
    def bytes(self) -> int:
        """Of input and output."""
        return self.height * self.width * self.channels + prod(self.output_shape)


@dataclass(frozen=True)
class PointwiseShape:
    """A table of 256 values for all channels (`lookup`), or a product of an array with one pixel (`multiply`)."""

    operation: Literal["lookup", "multiply"]
    height: int
    width: int
    channels: int

    macs = 0

    @property
    def name(self) -> str:
        """Such as "multiply 90x120x64"."""
        return f"{self.operation} {self.height}x{self.width}x{self.channels}"

    @property
    def bytes(self) -> int:
        """Of input, the other factor and output."""
        factor = self.channels if self.operation == "multiply" else 0
        return 2 * self.height * self.width * self.channels + factor


Shape = ConvolutionShape | AddShape | ResampleShape | PoolShape | PointwiseShape

_DEPTHWISE, _GROUPED, _POINT = TermShape(groups=64), TermShape(groups=8), TermShape(1)

TABLE: tuple[Shape, ...] = (
    # Layers of an ItNet.
    ConvolutionShape(128, 64, 90, 120, (_POINT,)),
    ConvolutionShape(64, 64, 90, 120),
    ConvolutionShape(64, 96, 90, 120, (TermShape(stride=2),)),
    ConvolutionShape(96, 96, 45, 60),
    ConvolutionShape(96, 128, 45, 60, (TermShape(stride=2),)),
    ConvolutionShape(128, 128, 23, 30, (TermShape(dilation=2),)),
    ConvolutionShape(128, 96, 23, 30, (_POINT,)),
    ConvolutionShape(96, 64, 45, 60, (_POINT,)),
    # Stem and head.
    ConvolutionShape(3, 32, 360, 480, (TermShape(stride=2),)),
    ConvolutionShape(32, 64, 180, 240, (TermShape(stride=2),)),
    ConvolutionShape(64, 11, 90, 120, (_POINT,)),
    # Layers of other networks.
    ConvolutionShape(512, 512, 45, 60),
    ConvolutionShape(256, 256, 33, 33, (TermShape(dilation=12),)),
    ConvolutionShape(3, 64, 224, 224, (TermShape(7, stride=2),)),
    # Few input channels an output.
    ConvolutionShape(64, 64, 90, 120, (_DEPTHWISE,)),
    ConvolutionShape(64, 64, 90, 120, (_GROUPED,)),
    ConvolutionShape(64, 64, 90, 120, (_DEPTHWISE, _POINT)),
    ConvolutionShape(64, 64, 90, 120, (_GROUPED, _POINT)),
    ConvolutionShape(64, 64, 90, 120, (TermShape(groups=64, five_point=True), _POINT)),
    # Odd ones.
    ConvolutionShape(20, 36, 17, 31),
    ConvolutionShape(5, 7, 9, 9, (_POINT,)),
    AddShape(1, 90, 120, 64),
    AddShape(2, 90, 120, 64),
    ResampleShape("resize", 45, 60, 64, 90, 120),
    ResampleShape("resize", 23, 30, 96, 45, 60),
    ResampleShape("labels", 90, 120, 11, 360, 480),
    PoolShape("max", 3, 2, 112, 112, 64),
    PoolShape("average", 3, 1, 28, 28, 192),
    PoolShape("average", None, 1, 7, 7, 2048),
    PointwiseShape("lookup", 90, 120, 64),
    PointwiseShape("multiply", 90, 120, 64),
)


def random_shapes(count: int, seed: int) -> list[ConvolutionShape]:
    """Convolutions whose channels are multiples of 16, as networks have them; the same ones for the same seed."""
    rng = np.random.default_rng(seed)
    return [_random_shape(rng) for _ in range(count)]


def _random_shape(rng: np.random.Generator) -> ConvolutionShape:
    kernel, stride = int(rng.choice([1, 3, 3, 5])), int(rng.choice([1, 1, 2]))
    dilation = int(rng.choice([1, 1, 2])) if kernel > 1 else 1
    term = TermShape(kernel, stride, dilation)
    channels = [16 * int(count) for count in rng.integers(1, 17, 2)]
    height, width = (int(size) for size in rng.integers(12, 129, 2))
    return ConvolutionShape(channels[0], channels[1], height, width, (term,))


def matching(shapes: Iterable[Shape], pattern: str) -> list[Shape]:
    """Those whose name contains the pattern, in which * and ? have their usual meaning."""
    return [shape for shape in shapes if fnmatch(shape.name, f"*{pattern}*")]
