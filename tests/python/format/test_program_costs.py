"""itrt.format.costs: the sizes of a program's tensors are those that the runtime finds."""

from dataclasses import replace

import pytest

import itrt
from itrt.errors import InvalidArgumentError
from itrt.format import Convolution, to_bytes
from itrt.format.costs import operator_costs, tensor_sizes
from reference.programs import random_image, random_program
from reference.small_program import small_program


@pytest.mark.parametrize("seed", range(12))
def test_sizes_are_those_of_the_runtime(seed: int) -> None:
    program = random_program(seed)
    image = random_image(seed, 19, 26)
    sizes = tensor_sizes(program, 19, 26)
    names = [tensor.name for tensor in program.tensors]
    for (name, _), array in itrt.load(to_bytes(program)).taps(image, 1).items():
        assert array.shape[:2] == sizes[names.index(name)], name


def test_bytes_are_those_of_the_file() -> None:
    program = small_program(3)
    sizes = tensor_sizes(program, 64, 64)
    operators = (*program.stem, *program.block, *program.head)
    assert sum(operator_costs(each, sizes).bytes for each in operators) == itrt.load(to_bytes(program)).weight_bytes


def test_multiply_accumulates_by_hand() -> None:
    program = small_program(3)
    sizes = tensor_sizes(program, 64, 64)
    join = program.block[0]
    assert isinstance(join, Convolution)
    costs = operator_costs(join, sizes)
    assert costs.macs == 16 * 16 * 8 * (3 * 3 * 8 + 8)
    assert costs.invariant_macs == 16 * 16 * 8 * 8
    assert costs.parameters == 8 * (3 * 3 * 8 + 8) + 3 * 2 * 8


def test_an_image_that_is_too_small() -> None:
    program = small_program(3)
    with pytest.raises(InvalidArgumentError, match="image of 0x5"):
        tensor_sizes(program, 0, 5)


def test_a_state_that_changes_its_size() -> None:
    program = small_program(3)
    *others, mix = program.block
    assert isinstance(mix, Convolution)
    shrinking = replace(mix, terms=tuple(replace(term, stride=(2, 2)) for term in mix.terms))
    with pytest.raises(InvalidArgumentError, match="image of 64x64 .*next state: expected 16x16, found 8x8"):
        tensor_sizes(replace(program, block=(*others, shrinking)), 64, 64)
