"""Runs the float graph in torch: calibration, the parity report and the comparison of layers look at its tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from itrt.converter import float_functions
from itrt.converter.float_graph import FloatGraph
from itrt.converter.float_operators import (
    FloatAdaptivePool,
    FloatAdd,
    FloatConstant,
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

Visitor = Callable[[FloatOperator, int | None, Mapping[str, Tensor]], None]
Finish = Callable[[FloatOperator, Tensor], Tensor]


class FloatExecutor:
    """Executes a float graph on images, one at a time, in float32.

    Parameters
    ----------
    graph
        What to execute.
    finish
        What becomes of an operator's result before anything reads it, such as rounding; None: nothing.
    """

    def __init__(self, graph: FloatGraph, finish: Finish | None = None) -> None:
        self._graph = graph
        self._finish = finish
        self._cache: dict[tuple[int, int], Tensor] = {}  # by identity of the constant and step; the graph keeps it
        self._offset = 255.0 * torch.tensor(graph.mean, dtype=torch.float64).float().view(1, -1, 1, 1)

    def run(self, image: NDArray[np.uint8], iterations: int, visit: Visitor | None = None) -> list[Tensor]:
        """Return the logits of every iteration, float32 (1, classes, h, w).

        Parameters
        ----------
        image
            u8 (height, width, 3).
        iterations
            How many times to execute the block; a network without a loop has one answer.
        visit
            Called with (operator, step, tensors) behind each operator; the step is None in the stem. ``tensors`` holds
            values (1, channels, h, w) by name: the operator's output, its inputs, and whatever else is there.
        """
        graph = self._graph
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float()
        with torch.inference_mode():
            tensors = {graph.image: pixels - self._offset}
            self._execute(graph.stem, tensors, None, visit)
            if graph.state is None or graph.next_state is None:
                return [tensors[graph.logits]]
            logits = []
            for step in range(iterations):
                self._execute(graph.block, tensors, step, visit)
                tensors[graph.state] = tensors[graph.next_state]
                self._execute(graph.head, tensors, step, visit)
                logits.append(tensors[graph.logits])
            return logits

    def _execute(
        self, operators: Iterable[FloatOperator], tensors: dict[str, Tensor], step: int | None, visit: Visitor | None
    ) -> None:
        for operator in operators:
            result = self.result(operator, tensors, step or 0)
            tensors[operator.output] = result if self._finish is None else self._finish(operator, result)
            if visit is not None:
                visit(operator, step, tensors)

    def result(self, operator: FloatOperator, tensors: Mapping[str, Tensor], step: int) -> Tensor:
        """Return what one operator of the graph makes of ``tensors``, which has its inputs, in iteration ``step``."""
        match operator:
            case FloatConvolution():
                return self._convolution(operator, tensors, step)
            case FloatAdd():
                return float_functions.add(operator, tensors)
            case FloatMultiply():
                return float_functions.multiply(operator, tensors)
            case FloatLookup():
                return self._lookup(operator, tensors[operator.input], step)
            case FloatResize():
                size_of = None if operator.size_of is None else tensors[operator.size_of]
                return float_functions.resize(operator, tensors[operator.input], size_of)
            case FloatPool():
                return float_functions.pool(operator, tensors[operator.input])
            case FloatAdaptivePool():
                return F.adaptive_avg_pool2d(tensors[operator.input], operator.size)
            case FloatGather():
                return float_functions.gather(operator, tensors)
            case FloatPad():
                return float_functions.pad(operator, tensors[operator.input])
            case FloatDepthToSpace():
                return float_functions.depth_to_space(operator, tensors[operator.input])

    def _convolution(self, operator: FloatConvolution, tensors: Mapping[str, Tensor], step: int) -> Tensor:
        total = sum((self._term(term, tensors[term.input], step) for term in operator.terms), torch.zeros(()))
        gain, shift = (self._tensor(constant, step).view(1, -1, 1, 1) for constant in (operator.gain, operator.shift))
        return float_functions.clamp(total * gain + shift, operator.clamp)

    def _term(self, term: FloatTerm, x: Tensor, step: int) -> Tensor:
        top, left, bottom, right = term.padding
        padded = F.pad(x, (left, right, top, bottom))
        weight = self._tensor(term.weight, step)
        return F.conv2d(padded, weight, None, term.stride, 0, term.dilation, term.groups)

    def _lookup(self, operator: FloatLookup, x: Tensor, step: int) -> Tensor:
        for function in operator.functions:
            constants = (self._tensor(constant, step).view(1, -1, 1, 1) for constant in function.constants)
            x = function.function(x, *constants)
        return x

    def _tensor(self, constant: FloatConstant, step: int) -> Tensor:
        """Return a constant as float32; kernels in torch's order, (out, in / groups, height, width)."""
        key = (id(constant), step if len(constant.values) > 1 else 0)
        if key not in self._cache:
            value = torch.from_numpy(np.asarray(constant.at(step), np.float32))
            self._cache[key] = value.permute(0, 3, 1, 2).contiguous() if value.ndim == 4 else value
        return self._cache[key]
