"""The oracle: executes a program naively and keeps every tensor of every step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from itrt.format import (
    AdaptivePool,
    Add,
    Constant,
    Convolution,
    DepthToSpace,
    FixedPoint,
    Gather,
    Lookup,
    Multiply,
    Operator,
    Pad,
    Pool,
    Program,
    Resize,
    Term,
)
from itrt.format.output_sizes import output_sizes
from reference import operators
from reference.operators import U8, OracleTerm, labels

__all__ = ["Execution", "execute", "labels"]


@dataclass(frozen=True)
class Execution:
    """What a run computes.

    ``tensors`` holds every tensor that an operator wrote, u8 (height, width, channels), by (name, step): the step is
    None for the stem and 0, 1, ... for block and head. ``logits`` has one entry an iteration, ``state`` the last.
    """

    tensors: dict[tuple[str, int | None], U8]
    logits: list[U8]
    state: U8 | None = None


def execute(
    program: Program, image: U8, iterations: int, *, state: U8 | None = None, steps: Sequence[int] | None = None
) -> Execution:
    """Run ``iterations`` iterations on a u8 (height, width, 3) image; a network without a loop has one answer.

    A warm start begins with ``state`` instead of the stem's, and its iterations take the constants of ``steps``.
    """
    written: dict[tuple[str, int | None], U8] = {}
    values: dict[int, U8] = {program.image: image}
    _run(program, program.stem, values, None, written)
    if program.state is None or program.next_state is None:
        _run(program, program.head, values, 0, written)
        return Execution(written, [values[program.logits]])
    if state is not None:
        values[program.state] = state
    logits = []
    for step in range(iterations) if steps is None else steps:
        _run(program, program.block, values, step, written)
        values[program.state] = values[program.next_state]
        _run(program, program.head, values, step, written)
        logits.append(values[program.logits])
    return Execution(written, logits, values[program.state])


def _run(
    program: Program,
    section: Iterable[Operator],
    values: dict[int, U8],
    step: int | None,
    written: dict[tuple[str, int | None], U8],
) -> None:
    for operator in section:
        result = execute_operator(program, operator, values, step or 0)
        values[operator.output] = result
        written[program.tensors[operator.output].name, step] = result


def execute_operator(program: Program, operator: Operator, values: dict[int, U8], step: int) -> U8:
    """One operator's output; ``values`` has a tensor of each index that it names."""
    output = program.tensors[operator.output]

    def zero_point(index: int) -> int:
        return program.tensors[index].zero_points[0]

    match operator:
        case Convolution(scale=FixedPoint() as scale):
            return operators.fixed_convolution(
                [_term(program, term, values, step) for term in operator.terms],
                np.asarray(operator.bias.at(step), np.int32),
                np.asarray(scale.multiplier.at(step), np.int16),
                np.asarray(scale.shift.at(step), np.uint8),
                output.zero_points[0],
                operator.clamp,
            )
        case Convolution(scale=Constant() as scale):
            return operators.convolution(
                [_term(program, term, values, step) for term in operator.terms],
                np.asarray(operator.bias.at(step), np.int32),
                np.asarray(scale.at(step), np.float32),
                output.zero_points[0],
                operator.clamp,
            )
        case Add():
            return operators.add(
                [values[index] for index in operator.inputs],
                [zero_point(index) for index in operator.inputs],
                operator.multipliers,
                operator.shift,
                output.zero_points[0],
                operator.clamp,
            )
        case Resize():
            sizes = {index: (value.shape[0], value.shape[1]) for index, value in values.items()}
            ((height, width),) = output_sizes(operator, sizes)
            if operator.mode == "nearest":
                return operators.resize_nearest(values[operator.input], height, width)
            return operators.resize(values[operator.input], height, width, operator.align_corners)
        case Pool(mode="max"):
            return operators.max_pool(values[operator.input], operator)
        case Pool():
            return operators.average_pool(
                values[operator.input], zero_point(operator.input), operator, output.zero_points[0]
            )
        case AdaptivePool():
            return operators.adaptive_average_pool(
                values[operator.input],
                zero_point(operator.input),
                operator.size,
                operator.multiplier,
                operator.shift,
                output.zero_points[0],
            )
        case Lookup():
            return operators.lookup(values[operator.input], np.asarray(operator.table.at(step), np.uint8))
        case Multiply():
            first, second = operator.inputs
            return operators.multiply(
                (values[first], values[second]),
                (zero_point(first), zero_point(second)),
                operator.multiplier,
                operator.shift,
                output.zero_points[0],
                operator.clamp,
            )
        case Gather():
            return operators.gather([values[index] for index in operator.inputs], operator.channels)
        case Pad():
            return operators.pad(values[operator.input], zero_point(operator.input), operator.padding, operator.mode)
        case DepthToSpace():
            return operators.depth_to_space(values[operator.input], operator.block)


def _term(program: Program, term: Term, values: dict[int, U8], step: int) -> OracleTerm:
    return OracleTerm(
        input=values[term.input],
        zero_points=program.tensors[term.input].zero_points,
        weight=np.asarray(term.weight.at(step), np.int8),
        stride=term.stride,
        padding=term.padding,
        dilation=term.dilation,
        groups=term.groups,
    )
