"""itrt.format.operations: a program in fixed point needs no floating point, one of powers of two no multiplication."""

import dataclasses

import pytest

from itrt.format import Add, Constant, Convolution, FixedPoint, Operator, Program, Resize
from itrt.format.costs import tensor_sizes
from itrt.format.operations import Operations, operator_operations, total_operations
from reference.fixed_point import fixed_point, with_fixed_point
from reference.programs import random_program
from reference.small_program import small_program

SIZE = (32, 48)


def operators_of(program: Program) -> tuple[Operator, ...]:
    return (*program.stem, *program.block, *program.head)


def of_section(program: Program, section: str, step: int = 0) -> Operations:
    return total_operations(program, getattr(program, section), tensor_sizes(program, *SIZE), step)


@pytest.mark.parametrize("section", ["stem", "block", "head"])
def test_fixed_point_needs_no_floating_point_where_scales_do(section: str) -> None:
    with_scales = of_section(small_program(3), section)
    assert with_scales.float_operations > 0
    for step in range(3 if section == "block" else 1):
        fixed = of_section(with_fixed_point(small_program(3)), section, step)
        assert fixed.float_operations == 0
        assert fixed.multiplications > with_scales.multiplications
        assert fixed.macs == with_scales.macs > 0


def test_operations_by_hand() -> None:
    program = small_program(None)
    sizes = tensor_sizes(program, *SIZE)
    join, resize, first = program.block[0], program.block[2], program.stem[1]
    assert isinstance(join, Convolution)
    assert isinstance(join.scale, Constant)
    outputs = 8 * 12 * 8  # joined is (8, 12, 8) of an image of (32, 48)
    macs = outputs * (3 * 3 * 8 + 8)
    # Each output's sum is converted, multiplied, compared twice, and rounded.
    assert operator_operations(program, join, sizes) == Operations(macs, 5 * outputs, 0)
    fixed = dataclasses.replace(join, scale=fixed_point(join.scale))
    assert operator_operations(program, fixed, sizes) == Operations(macs, 0, outputs)
    assert isinstance(resize, Resize)
    assert operator_operations(program, resize, sizes) == Operations(0, 0, 6 * 8 * 12 * 12)
    assert isinstance(first, Add)  # by one half: a shift
    assert operator_operations(program, first, sizes) == Operations(0, 0, 0)
    assert operator_operations(program, dataclasses.replace(first, multipliers=(3,)), sizes).multiplications == outputs


def test_powers_of_two_are_shifts() -> None:
    program = small_program(None)
    join = program.block[0]
    assert isinstance(join, Convolution)
    assert isinstance(join.scale, Constant)
    shifts = dataclasses.replace(join, scale=fixed_point(join.scale, bits=1))
    assert isinstance(shifts.scale, FixedPoint)
    assert operator_operations(program, shifts, tensor_sizes(program, *SIZE)).multiplications == 0


def test_an_iteration_has_the_operations_of_its_own_constants() -> None:
    program = small_program(3)
    join = program.block[0]
    assert isinstance(join, Convolution)
    assert isinstance(join.scale, Constant)
    long, short = fixed_point(join.scale), fixed_point(join.scale, bits=1)
    mixed = FixedPoint(
        Constant((short.multiplier.values[0], *long.multiplier.values[1:])),
        Constant((short.shift.values[0], *long.shift.values[1:])),
    )
    operator = dataclasses.replace(join, scale=mixed)
    sizes = tensor_sizes(program, *SIZE)
    counts = [operator_operations(program, operator, sizes, step).multiplications for step in range(3)]
    assert counts == [0, 8 * 12 * 8, 8 * 12 * 8]


@pytest.mark.parametrize("seed", range(9))
def test_floating_point_is_where_scales_are(seed: int) -> None:
    program = random_program(seed)
    sizes = tensor_sizes(program, 19, 26)
    for operator in operators_of(program):
        has_scale = isinstance(operator, Convolution) and isinstance(operator.scale, Constant)
        assert (operator_operations(program, operator, sizes).float_operations > 0) == has_scale
