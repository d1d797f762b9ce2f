"""Which arithmetic a program needs between image and labels, counted by the formulas of docs/numerics.md."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from itrt.format.costs import Size, operator_costs
from itrt.format.program import AdaptivePool, Add, Convolution, FixedPoint, Multiply, Operator, Pool, Program, Resize

# Of one output by a scale: sum to binary32, product, two limits, rounding.
_FLOAT_REQUANTIZATION = 5
# Of one output: two neighbours in a row by their weights, in two rows, and the two sums by theirs.
_RESAMPLING_MULTIPLICATIONS = 6


@dataclass(frozen=True)
class Operations:
    """Of one execution: multiply-accumulates of bytes, and what turns their sums into bytes again.

    ``float_operations`` are those of binary32, conversions and comparisons among them: 0 where integers do.
    ``multiplications`` are those of integers beside the multiply-accumulates; one by a power of two is a shift and not
    counted. Additions, shifts, comparisons and tables are not counted.
    """

    macs: int
    float_operations: int
    multiplications: int


def operator_operations(program: Program, operator: Operator, sizes: tuple[Size, ...], step: int = 0) -> Operations:
    """Return the operations of an operator of a program whose tensors have these sizes, in the iteration ``step``."""
    height, width = sizes[operator.output]
    pixels, channels = height * width, program.tensors[operator.output].channels
    multiplications = float_operations = 0
    match operator:
        case Convolution(scale=FixedPoint(multiplier=multiplier)):
            multiplications = pixels * _not_powers_of_two(np.asarray(multiplier.at(step), np.int64).tolist())
        case Convolution():
            float_operations = _FLOAT_REQUANTIZATION * pixels * channels
        case Add(multipliers=multipliers):
            multiplications = pixels * channels * _not_powers_of_two(multipliers)
        case Multiply(multiplier=factor):
            multiplications = pixels * channels * (1 + _not_powers_of_two([factor]))
        case Pool(mode="average", multiplier=factor) | AdaptivePool(multiplier=factor):
            multiplications = pixels * channels * _not_powers_of_two([factor])
        case Resize(mode="bilinear"):
            multiplications = pixels * channels * _RESAMPLING_MULTIPLICATIONS
        case _:
            pass
    return Operations(operator_costs(operator, sizes).macs, float_operations, multiplications)


def total_operations(
    program: Program, operators: Iterable[Operator], sizes: tuple[Size, ...], step: int = 0
) -> Operations:
    """Return the sum over some of a program's operators."""
    each = [operator_operations(program, operator, sizes, step) for operator in operators]
    return Operations(
        macs=sum(one.macs for one in each),
        float_operations=sum(one.float_operations for one in each),
        multiplications=sum(one.multiplications for one in each),
    )


def _not_powers_of_two(multipliers: Iterable[int]) -> int:
    """How many of these a shift cannot do."""
    return sum(abs(multiplier) & (abs(multiplier) - 1) != 0 for multiplier in multipliers)
