"""The constants of a float graph as parameters of a module, and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import torch
from torch import Tensor, nn

from itrt.converter.float_graph import FloatGraph
from itrt.converter.float_operators import FloatConstant, FloatConvolution, FloatOperator, with_constants


class TrainableConstants(nn.Module):
    """Weights, gains and shifts of convolutions and the constants of functions, float64.

    What is the same in every iteration is one parameter, anything else one an iteration. Parameters are named
    ``block/join/gain/2``: the tensor that the operator makes, the constant, the iteration. Only weights have more than
    one dimension, by which an optimizer knows what to decay.
    """

    def __init__(self, graph: FloatGraph) -> None:
        super().__init__()
        for operator in graph.operators:
            for key, value in zip(_keys(operator), _values(operator), strict=True):
                self.register_parameter(key, nn.Parameter(torch.tensor(value, dtype=torch.float64)))

    def of(self, operator: FloatOperator, step: int) -> list[Tensor]:
        """Return the parameters that the iteration ``step`` (from 0) uses, in the order of ``operator.constants``."""
        steps = (step if len(constant.values) > 1 else 0 for constant in operator.constants)
        return [self.get_parameter(keys[at]) for keys, at in zip(_keys_by_constant(operator), steps, strict=True)]

    def in_graph(self, graph: FloatGraph) -> FloatGraph:
        """Return the graph that this was made of with the parameters' present values."""
        return replace(
            graph,
            stem=tuple(map(self._in_operator, graph.stem)),
            block=tuple(map(self._in_operator, graph.block)),
            head=tuple(map(self._in_operator, graph.head)),
        )

    def _in_operator(self, operator: FloatOperator) -> FloatOperator:
        return with_constants(operator, (self._constant(keys) for keys in _keys_by_constant(operator)))

    def _constant(self, keys: Iterable[str]) -> FloatConstant:
        parameters = (self.get_parameter(key).detach().to("cpu", torch.float64) for key in keys)
        return FloatConstant(tuple(parameter.contiguous().numpy() for parameter in parameters))


def _values(operator: FloatOperator) -> Iterator[object]:
    return (value for constant in operator.constants for value in constant.values)


def _keys(operator: FloatOperator) -> Iterator[str]:
    return (key for keys in _keys_by_constant(operator) for key in keys)


def _keys_by_constant(operator: FloatOperator) -> Iterator[list[str]]:
    """Yield the names of each constant's parameters; a module's parameters cannot have a dot in their names."""
    place = operator.output.replace(".", "/")
    for name, constant in zip(_constant_names(operator), operator.constants, strict=True):
        steps = len(constant.values)
        yield [f"{place}/{name}"] if steps == 1 else [f"{place}/{name}/{step}" for step in range(steps)]


def _constant_names(operator: FloatOperator) -> Iterator[str]:
    numbered = "weight" if isinstance(operator, FloatConvolution) else "constant"
    others = ("gain", "shift") if isinstance(operator, FloatConvolution) else ()
    yield from (f"{numbered}{index}" for index in range(len(operator.constants) - len(others)))
    yield from others
