"""What a tensor of 16 bits would be worth: labels that change if one tensor alone is not rounded to 8.

    all tensors rounded        image ──► u8 ──► u8 ──► u8 ──► labels
    one of them kept in float  image ──► u8 ──► f32 ─► u8 ──► labels     16 bits are as good as float here

Both are simulated with the program's own weights (`dequantization`): the runtime has no such tensors, and this says for
which layers they would be needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from itrt.converter.dequantization import Requantization, dequantized_graph
from itrt.converter.float_executor import FloatExecutor
from itrt.converter.float_graph import FloatGraph
from itrt.converter.float_operators import UNBOUNDED, FloatLookup, FloatOperator
from itrt.converter.parity import labels_of
from itrt.format import Program


@dataclass(frozen=True)
class TensorWorth:
    """Shares of labels, 0..1, that differ from float's: with all tensors rounded, and with this one kept in float."""

    tensor: str
    changed_rounded: float
    changed_kept: float


def worth_of_tensors(
    graph: FloatGraph, program: Program, names: Sequence[str], images: Sequence[NDArray[np.uint8]]
) -> tuple[TensorWorth, ...]:
    """Return what keeping each of the named tensors in float brings, alone, on these images after the last iteration.

    Parameters
    ----------
    graph
        The float network with the program's tensors.
    images
        u8 (height, width, 3).
    """
    expected = [_labels(FloatExecutor(graph), image, graph.iterations) for image in images]

    def changed(kept: str | None) -> float:
        executor = _executor(graph, program, kept)
        found = [_labels(executor, image, graph.iterations) for image in images]
        different = sum(int(np.count_nonzero(a != b)) for a, b in zip(expected, found, strict=True))
        return different / sum(labels.size for labels in expected)

    rounded = changed(None)
    return tuple(TensorWorth(name, rounded, changed(name)) for name in names)


def _labels(executor: FloatExecutor, image: NDArray[np.uint8], iterations: int) -> NDArray[np.int64]:
    return labels_of(executor.run(image, iterations)[-1], image.shape[:2])


def _executor(graph: FloatGraph, program: Program, kept: str | None) -> FloatExecutor:
    """Return what simulates the program with one tensor in float."""
    originals = {operator.output: operator for operator in graph.operators}
    requantization = Requantization(program)

    def finish(operator: FloatOperator, result: Tensor) -> Tensor:
        name = operator.output
        if name != kept:
            return requantization.rounded(name, result)
        return requantization.unrounded(name, result, getattr(originals[name], "clamp", UNBOUNDED))

    def choose(operators: tuple[FloatOperator, ...]) -> tuple[FloatOperator, ...]:
        # A table has rounded results in it: the function itself stands in for it.
        return tuple(
            originals[op.output] if op.output == kept and isinstance(op, FloatLookup) else op for op in operators
        )

    simulated = dequantized_graph(program)
    simulated = replace(
        simulated, stem=choose(simulated.stem), block=choose(simulated.block), head=choose(simulated.head)
    )
    return FloatExecutor(simulated, finish)
