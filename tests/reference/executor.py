"""The oracle: executes a program naively and keeps every tensor of every step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from itrt.format import Add, Convolution, Operator, Program, Resize, Term
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
        result = _execute(program, operator, values, step or 0)
        values[operator.output] = result
        written[program.tensors[operator.output].name, step] = result


def _execute(program: Program, operator: Operator, values: dict[int, U8], step: int) -> U8:
    output = program.tensors[operator.output]
    match operator:
        case Convolution():
            return operators.convolution(
                [_term(program, term, values, step) for term in operator.terms],
                np.asarray(operator.bias.at(step), np.int32),
                np.asarray(operator.scale.at(step), np.float32),
                output.zero_points[0],
                operator.clamp,
            )
        case Add():
            return operators.add(
                [values[index] for index in operator.inputs],
                [program.tensors[index].zero_points[0] for index in operator.inputs],
                operator.multipliers,
                operator.shift,
                output.zero_points[0],
                operator.clamp,
            )
        case Resize():
            height, width = values[operator.size_of].shape[:2]
            return operators.resize(values[operator.input], height, width)


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
