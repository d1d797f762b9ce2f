"""Passes over the float graph: the image's normalization goes into weights, loop-invariant operators into the stem."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from itrt.converter.float_graph import FloatGraph
from itrt.converter.float_operators import FloatConvolution, FloatOperator, FloatTerm, combine


def fold_normalization(graph: FloatGraph) -> FloatGraph:
    """Divide the weights that read the image by 255 * std: the image then is pixel - 255 * mean."""
    std = np.asarray(graph.std, np.float64)

    def fold(operator: FloatOperator) -> FloatOperator:
        if not isinstance(operator, FloatConvolution):
            return operator
        terms = (_divide_columns(term, 255.0 * std) if term.input == graph.image else term for term in operator.terms)
        return replace(operator, terms=tuple(terms))

    return replace(graph, stem=tuple(fold(operator) for operator in graph.stem))


def input_channels(term: FloatTerm) -> NDArray[np.int64]:
    """Return which input channel each weight of a term multiplies, (out, in / groups)."""
    out, *_, per_group = term.weight.at(0).shape
    group = np.arange(out) * term.groups // out
    channels: NDArray[np.int64] = group[:, None] * per_group + np.arange(per_group)[None, :]
    return channels


def _divide_columns(term: FloatTerm, divisor: NDArray[np.float64]) -> FloatTerm:
    columns = divisor[input_channels(term)][:, None, None, :]
    return replace(term, weight=combine(lambda weight: weight / columns, term.weight))


def hoist(graph: FloatGraph) -> FloatGraph:
    """Move the operators of the block that are the same in every iteration to the end of the stem."""
    invariant = {graph.image} | {operator.output for operator in graph.stem}
    invariant.discard(graph.state or "")
    hoisted: list[FloatOperator] = []
    kept: list[FloatOperator] = []
    for operator in graph.block:
        same_inputs = all(name in invariant for name in operator.inputs)
        same_constants = all(len(constant.values) == 1 for constant in operator.constants)
        if same_inputs and same_constants and operator.output != graph.next_state:
            hoisted.append(operator)
            invariant.add(operator.output)
        else:
            kept.append(operator)
    return replace(graph, stem=(*graph.stem, *hoisted), block=tuple(kept))


def without_unused(graph: FloatGraph) -> FloatGraph:
    """Leave out operators that nothing depends on: what was brought together for readers that found another way."""
    needed = {name for name in (graph.logits, graph.state, graph.next_state) if name is not None}

    def used(operators: tuple[FloatOperator, ...]) -> tuple[FloatOperator, ...]:
        kept = []
        for operator in reversed(operators):
            if operator.output in needed:
                kept.append(operator)
                needed.update(operator.inputs)
        return tuple(reversed(kept))

    head, block, stem = used(graph.head), used(graph.block), used(graph.stem)
    tensors = {name: tensor for name, tensor in graph.tensors.items() if name in needed or name == graph.image}
    return replace(graph, tensors=tensors, stem=stem, block=block, head=head)
