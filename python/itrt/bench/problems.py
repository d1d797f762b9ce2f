"""Shapes with numbers in them: seeded arrays, and the operation that is to be run on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from itrt import kernels
from itrt.bench.shapes import AddShape, ConvolutionShape, PointwiseShape, PoolShape, ResampleShape, Shape
from itrt.quantize import short_scales

U8 = NDArray[np.uint8]


class Problem(Protocol):
    """An operation and its inputs."""

    @property
    def shape(self) -> Shape: ...
    @property
    def inputs(self) -> list[U8]: ...
    def prepare(self, isa: str) -> kernels.Operation:
        """The operation, with the kernel of an instruction set."""


@dataclass(frozen=True, eq=False)
class ConvolutionProblem:
    """Weights of every term; one input, one zero point."""

    shape: ConvolutionShape
    input: U8
    weights: tuple[NDArray[np.int8], ...]
    bias: NDArray[np.int32]
    scale: NDArray[np.float32]
    zero_point: int  # of input and output

    @property
    def inputs(self) -> list[U8]:
        """One a term, all the same array."""
        return [self.input] * len(self.weights)

    def prepare(self, isa: str) -> kernels.Operation:
        """Pack the weights."""
        terms = [
            kernels.Term(weight, self.zero_point, term.stride, term.padding, term.dilation, term.groups)
            for weight, term in zip(self.weights, self.shape.terms, strict=True)
        ]
        return kernels.Convolution(terms, self.bias, self.scale, self.zero_point, isa=isa)


@dataclass(frozen=True, eq=False)
class AddProblem:
    """Every input has a zero point and a multiplier."""

    shape: AddShape
    inputs: list[U8]
    zero_points: list[int]
    multipliers: list[int]
    shift: int
    zero_point: int

    def prepare(self, isa: str) -> kernels.Operation:
        """Choose the kernel."""
        return kernels.Add(self.zero_points, self.multipliers, self.shift, self.zero_point, isa=isa)


@dataclass(frozen=True, eq=False)
class ResampleProblem:
    """One image, or logits."""

    shape: ResampleShape
    inputs: list[U8]

    def prepare(self, isa: str) -> kernels.Operation:
        """Choose the kernel."""
        operation = kernels.Resize if self.shape.operation == "resize" else kernels.Labels
        return operation(self.shape.output_height, self.shape.output_width, isa)


@dataclass(frozen=True, eq=False)
class PoolProblem:
    """One image; of an average a requantization, too."""

    shape: PoolShape
    inputs: list[U8]
    multiplier: int
    shift: int
    zero_point: int  # of input and output

    @property
    def geometry(self) -> dict[str, Any]:
        """Window, and an average's factor: the fields of `itrt.format.Pool` of the same names."""
        return {
            "mode": self.shape.mode,
            "kernel": self.shape.window,
            "stride": (self.shape.stride,) * 2,
            "padding": (self.shape.padding,) * 4,
            "multiplier": self.multiplier,
            "shift": self.shift,
        }

    def prepare(self, isa: str) -> kernels.Operation:
        """Choose the kernel."""
        return kernels.Pool(**self.geometry, x_zero_point=self.zero_point, y_zero_point=self.zero_point, isa=isa)


@dataclass(frozen=True, eq=False)
class LookupProblem:
    """One image and a table."""

    shape: PointwiseShape
    inputs: list[U8]
    table: U8

    def prepare(self, isa: str) -> kernels.Operation:
        """Choose the kernel."""
        return kernels.Lookup(self.table, isa)


@dataclass(frozen=True, eq=False)
class MultiplyProblem:
    """An image and a pixel, which have one zero point."""

    shape: PointwiseShape
    inputs: list[U8]
    multiplier: int
    shift: int
    zero_point: int  # of inputs and output

    def prepare(self, isa: str) -> kernels.Operation:
        """Choose the kernel."""
        return kernels.Multiply((self.zero_point,) * 2, self.multiplier, self.shift, self.zero_point, isa=isa)


def make_problem(shape: Shape, seed: int, zero_point: int = 128) -> Problem:
    """Draw the arrays; outputs spread over most of 0 .. 255."""
    rng = np.random.default_rng(seed)
    match shape:
        case ConvolutionShape():
            return _make_convolution(shape, rng, zero_point)
        case AddShape():
            inputs = [_bytes(rng, shape.height, shape.width, shape.channels) for _ in range(shape.inputs)]
            multipliers = [24000 // (index + 1) for index in range(shape.inputs)]
            return AddProblem(shape, inputs, [zero_point] * shape.inputs, multipliers, 15, zero_point)
        case ResampleShape():
            return ResampleProblem(shape, [_logits(rng, shape.height, shape.width, shape.channels)])
        case PoolShape():
            image = _bytes(rng, shape.height, shape.width, shape.channels)
            # An average of n bytes spreads by the root of n less than a byte.
            factor = 1 if shape.mode == "max" else int(256 * np.sqrt(np.prod(shape.window)))
            return PoolProblem(shape, [image], factor, 0 if shape.mode == "max" else 8, zero_point)
        case PointwiseShape():
            return _make_pointwise(shape, rng, zero_point)


def _make_pointwise(shape: PointwiseShape, rng: np.random.Generator, zero_point: int) -> Problem:
    image = _bytes(rng, shape.height, shape.width, shape.channels)
    if shape.operation == "lookup":
        return LookupProblem(shape, [image], _bytes(rng, 1, 256))
    return MultiplyProblem(shape, [image, _bytes(rng, 1, 1, shape.channels)], 24000, 21, zero_point)


def _make_convolution(shape: ConvolutionShape, rng: np.random.Generator, zero_point: int) -> ConvolutionProblem:
    weights = []
    for term in shape.terms:
        size = (shape.out_channels, term.kernel, term.kernel, shape.in_channels // term.groups)
        weight = rng.integers(-127, 128, size, np.int8)
        if term.five_point:
            weight[:, ::2, ::2] = 0
        weights.append(weight)
    products = shape.weights / shape.out_channels  # an output
    spread = 40 / (74 * 74 * np.sqrt(products))  # 74: the standard deviation of a byte; 40: what the output's shall be
    return ConvolutionProblem(
        shape,
        _bytes(rng, shape.height, shape.width, shape.in_channels),
        tuple(weights),
        rng.integers(-1000, 1000, shape.out_channels, np.int32),
        short_scales(rng.uniform(0.5, 1.5, shape.out_channels) * spread),  # as every converted model has them
        zero_point,
    )


def _bytes(rng: np.random.Generator, *shape: int) -> U8:
    return rng.integers(0, 256, shape, np.uint8)


def _logits(rng: np.random.Generator, height: int, width: int, channels: int) -> U8:
    """Patches of 8x8 pixels with a little noise: neighbours mostly agree, as in the answer of a network."""
    patches = rng.integers(0, 240, (-(-height // 8), -(-width // 8), channels), np.uint8)
    smooth = patches.repeat(8, axis=0)[:height].repeat(8, axis=1)[:, :width]
    logits: U8 = smooth + rng.integers(0, 16, smooth.shape, np.uint8)
    return logits
