"""One forward pass: every operator's integers for the value, its float function for the gradient."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import torch
import torch.nn.functional as F
from torch import Tensor

from itrt.converter import float_functions
from itrt.converter.fake_quantization import integers
from itrt.converter.fake_quantization.constants import TrainableConstants
from itrt.converter.fake_quantization.kernels import image_scale, straight_through_kernels
from itrt.converter.fake_quantization.resampling import bilinear, nearest
from itrt.converter.fake_quantization.straight_through import straight_through
from itrt.converter.fake_quantization.windows import adaptive_counts, window_counts
from itrt.converter.float_graph import FloatGraph
from itrt.converter.float_operators import (
    UNBOUNDED,
    FloatAdaptivePool,
    FloatAdd,
    FloatConvolution,
    FloatDepthToSpace,
    FloatGather,
    FloatLookup,
    FloatMultiply,
    FloatOperator,
    FloatPad,
    FloatPool,
    FloatResize,
    FloatTerm,
)
from itrt.converter.quantization import QuantizedGraph
from itrt.format import AdaptivePool, Add, Constant, Convolution, FixedPoint, Lookup, Multiply, Operator, Pool

Tensors = dict[str, Tensor]
Visitor = Callable[[str, int | None, Tensor], None]


class Execution:
    """Runs a graph whose tensors hold stored values less their zero points, (N, channels, height, width).

    The type of the image decides how exact it is: in float64 every value is the runtime's; in float32, too, while sums
    stay below 2^24.

    Parameters
    ----------
    graph
        The float graph, for its structure; its constants are ``constants``.
    quantized
        The program made of the constants' and scales' present values.
    constants
        The parameters.
    scales
        The scale of every tensor but the image, float64 without dimensions, with its gradient.
    """

    def __init__(
        self, graph: FloatGraph, quantized: QuantizedGraph, constants: TrainableConstants, scales: dict[str, Tensor]
    ) -> None:
        self._graph = graph
        self._quantized = quantized
        self._constants = constants
        self._scales = scales
        self._zero_points = {tensor.name: tensor.zero_points[0] for tensor in quantized.tensors}
        self._kernels: dict[tuple[str, int], tuple[list[Tensor], Tensor]] = {}

    def run(self, image: Tensor, iterations: int, visit: Visitor | None = None) -> list[Tensor]:
        """Return the real logits of every iteration, (N, classes, h, w).

        Parameters
        ----------
        image
            Stored values of the image less their zero points, (N, 3, H, W).
        iterations
            How many times to execute the block; a network without a loop has one answer.
        visit
            Called with (tensor name, step, values) for each tensor that an operator writes; the step is None in the
            stem.
        """
        graph, quantized = self._graph, self._quantized
        tensors = {graph.image: image}
        self._execute(zip(graph.stem, quantized.stem, strict=True), tensors, None, visit)
        if graph.state is None or graph.next_state is None:
            return [self._real(graph.logits, tensors)]
        logits = []
        for step in range(iterations):
            self._execute(zip(graph.block, quantized.block, strict=True), tensors, step, visit)
            tensors[graph.state] = tensors[graph.next_state]
            self._execute(zip(graph.head, quantized.head, strict=True), tensors, step, visit)
            logits.append(self._real(graph.logits, tensors))
        return logits

    def _execute(
        self,
        operators: Iterable[tuple[FloatOperator, Operator]],
        tensors: Tensors,
        step: int | None,
        visit: Visitor | None,
    ) -> None:
        for operator, quantized in operators:
            result = self._result(operator, quantized, tensors, step or 0)
            tensors[operator.output] = result
            if visit is not None:
                visit(operator.output, step, result)

    def _result(self, operator: FloatOperator, quantized: Operator, tensors: Tensors, step: int) -> Tensor:
        match operator, quantized:
            case FloatConvolution(), Convolution():
                return self._convolution(operator, quantized, tensors, step)
            case FloatAdd(), Add():
                return self._add(operator, quantized, tensors)
            case FloatMultiply(), Multiply():
                return self._multiply(operator, quantized, tensors)
            case FloatLookup(), Lookup():
                return self._lookup(operator, quantized, tensors[operator.input], step)
            case FloatPool(mode="max"), Pool():
                # A window of padding alone has the smallest stored value, and torch's negative infinity.
                pooled = float_functions.pool(operator, tensors[operator.input])
                return pooled.clamp(min=-self._zero_points[operator.output])
            case FloatPool(), Pool():
                return self._average(operator, quantized, tensors[operator.input])
            case FloatAdaptivePool(), AdaptivePool():
                return self._adaptive_average(operator, quantized, tensors[operator.input])
            case FloatResize(), _:
                return self._resize(operator, tensors)
            # Whatever only moves values is the same in float; the zero that is padded is the zero point.
            case FloatGather(), _:
                return float_functions.gather(operator, tensors)
            case FloatPad(), _:
                return float_functions.pad(operator, tensors[operator.input])
            case FloatDepthToSpace(), _:
                return float_functions.depth_to_space(operator, tensors[operator.input])
        raise AssertionError(f"{operator.output}: {type(operator).__name__} became {type(quantized).__name__}")

    def _convolution(self, operator: FloatConvolution, quantized: Convolution, tensors: Tensors, step: int) -> Tensor:
        *weights, gain, shift = self._constants.of(operator, step)
        kernels, weight_scale = self._kernels_of(operator, quantized, weights, step)
        terms = [_term(term, tensors[term.input], kernel) for term, kernel in zip(operator.terms, kernels, strict=True)]
        total = torch.stack(terms).sum(dim=0) if len(terms) > 1 else terms[0]
        scale = self._scales[operator.output]
        # It leaves out that the bias is rounded, and that it makes up for the image's rounded zero points.
        surrogate = total * _channels(gain * weight_scale / scale, total) + _channels(shift / scale, total)
        value = _requantized(total.detach(), quantized, step)
        return self._clamped(operator.output, straight_through(surrogate, value), operator.clamp, quantized.clamp)

    def _kernels_of(
        self, operator: FloatConvolution, quantized: Convolution, weights: list[Tensor], step: int
    ) -> tuple[list[Tensor], Tensor]:
        """Return the kernels of a convolution; those that all iterations share are made once."""
        key = (operator.output, step if any(len(term.weight.values) > 1 for term in operator.terms) else 0)
        if key not in self._kernels:
            reals = [
                weight * self._input_scale(term).to(weight.device)
                for term, weight in zip(operator.terms, weights, strict=True)
            ]
            stored = [torch.as_tensor(term.weight.at(step)).to(reals[0].device) for term in quantized.terms]
            self._kernels[key] = straight_through_kernels(reals, stored)
        return self._kernels[key]

    def _input_scale(self, term: FloatTerm) -> Tensor:
        """Return what one count of a term's input is worth to its weights, (out, 1, 1, in / groups) or a number."""
        graph = self._graph
        return image_scale(term, graph.std) if term.input == graph.image else self._scales[term.input]

    def _add(self, operator: FloatAdd, quantized: Add, tensors: Tensors) -> Tensor:
        scale = self._scales[operator.output]
        inputs = [tensors[name] for name in operator.inputs]
        factors = [m * self._scales[n] / scale for n, m in zip(operator.inputs, operator.multipliers, strict=True)]
        surrogate = torch.as_tensor(sum(x * factor for x, factor in zip(inputs, factors, strict=True)))
        value = integers.fixed_point_sum([x.detach() for x in inputs], quantized.multipliers, quantized.shift)
        return self._clamped(operator.output, straight_through(surrogate, value), operator.clamp, quantized.clamp)

    def _multiply(self, operator: FloatMultiply, quantized: Multiply, tensors: Tensors) -> Tensor:
        (first, second), output = operator.inputs, operator.output
        factor = self._scales[first] * self._scales[second] / self._scales[output]
        pair = (tensors[first], tensors[second])
        value = integers.fixed_point_product(pair[0].detach(), pair[1].detach(), quantized.multiplier, quantized.shift)
        result = straight_through(pair[0] * pair[1] * factor, value)
        return self._clamped(output, result, operator.clamp, quantized.clamp)

    def _lookup(self, operator: FloatLookup, quantized: Lookup, x: Tensor, step: int) -> Tensor:
        real = x * self._scales[operator.input]
        constants = iter(self._constants.of(operator, step))
        for function in operator.functions:
            real = function.function(real, *(_channels(next(constants), x) for _ in function.constants))
        surrogate = real / self._scales[operator.output]
        zero_point = self._zero_points[operator.output]
        table = torch.as_tensor(quantized.table.at(step)).to(x.device)
        stored = integers.looked_up(table, x.detach() + self._zero_points[operator.input])
        return straight_through(surrogate.clamp(-zero_point, 255 - zero_point), stored.to(x.dtype) - zero_point)

    def _average(self, operator: FloatPool, quantized: Pool, x: Tensor) -> Tensor:
        total = F.avg_pool2d(x, operator.kernel, operator.stride, operator.padding, operator.ceil, divisor_override=1)
        counts = window_counts(operator, _size(x), _size(total)).to(x.device)
        return self._averaged(operator.input, operator.output, total, counts, (quantized.multiplier, quantized.shift))

    def _adaptive_average(self, operator: FloatAdaptivePool, quantized: AdaptivePool, x: Tensor) -> Tensor:
        counts = adaptive_counts(_size(x), operator.size).to(x.device)
        total = F.adaptive_avg_pool2d(x, operator.size) * counts
        total = straight_through(total, total.detach().round())  # torch has divided; a sum of integers is one
        return self._averaged(operator.input, operator.output, total, counts, (quantized.multiplier, quantized.shift))

    def _averaged(self, source: str, output: str, total: Tensor, counts: Tensor, factor: tuple[int, int]) -> Tensor:
        surrogate = total / counts * (self._scales[source] / self._scales[output])
        value = integers.fixed_point_average(total.detach(), counts, *factor)
        return self._clamped(output, straight_through(surrogate, value), UNBOUNDED, (0, 255))

    def _resize(self, operator: FloatResize, tensors: Tensors) -> Tensor:
        x = tensors[operator.input]
        size_of = None if operator.size_of is None else tensors[operator.size_of]
        height, width = float_functions.resized(operator, x, size_of)
        if operator.mode == "nearest":
            return nearest(x, height, width)
        return bilinear(x, height, width, operator.align_corners)

    def _clamped(self, output: str, x: Tensor, real: tuple[float, float], stored: tuple[int, int]) -> Tensor:
        """Clamp to stored bounds; where x is clipped, its gradient is zero."""
        lower, upper = (self._bound(output, *bounds) for bounds in zip(real, stored, strict=True))
        return x.clamp(lower.to(x.dtype), upper.to(x.dtype))

    def _bound(self, output: str, real: float, stored: int) -> Tensor:
        """Return a bound: a number of the network's, which counts by the scale, or an end of the 256 values."""
        scale = self._scales[output]
        value = scale.new_tensor(stored - self._zero_points[output])
        return straight_through(real / scale, value) if math.isfinite(real) and 0 < stored < 255 else value

    def _real(self, name: str, tensors: Tensors) -> Tensor:
        return tensors[name] * self._scales[name]


def _requantized(total: Tensor, convolution: Convolution, step: int) -> Tensor:
    """Return the stored results of sums without their bias, less the zero point and before the clamp."""

    def vector(constant: Constant) -> Tensor:
        return torch.as_tensor(constant.at(step)).view(1, -1, 1, 1).to(total.device)

    accumulator = total + vector(convolution.bias).to(total.dtype)
    scale = convolution.scale
    if isinstance(scale, FixedPoint):
        return integers.requantized_in_fixed_point(accumulator, vector(scale.multiplier), vector(scale.shift))
    return integers.requantized(accumulator, vector(scale))


def _term(term: FloatTerm, x: Tensor, kernel: Tensor) -> Tensor:
    top, left, bottom, right = term.padding
    padded = F.pad(x, (left, right, top, bottom)) if any(term.padding) else x
    return F.conv2d(padded, kernel.to(x.dtype), None, term.stride, 0, term.dilation, term.groups)


def _channels(vector: Tensor, like: Tensor) -> Tensor:
    """Return a vector as (1, channels, 1, 1) in the type and on the device of an activation."""
    return vector.to(like.device, like.dtype).view(1, -1, 1, 1)


def _size(x: Tensor) -> tuple[int, int]:
    return x.shape[2], x.shape[3]
