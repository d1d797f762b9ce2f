"""The runtime against the naive executor: every byte of every tensor of every step, over random programs."""

import itertools
from typing import get_args

import numpy as np
import pytest

import itrt
from itrt import _core
from itrt.format import (
    AdaptivePool,
    Constant,
    Convolution,
    FixedPoint,
    Gather,
    Lookup,
    Multiply,
    Operator,
    Pad,
    Pool,
    Program,
    Resize,
    inputs_of,
    to_bytes,
)
from reference.executor import Execution, execute, labels
from reference.programs import Choices, random_image, random_program

ISAS = _core.detected_isas()
SIZES = [(1, 1), (1, 9), (7, 1), (2, 2), (13, 17), (24, 31), (33, 8)]


def expected_run(program: Program, image: np.ndarray, iterations: int) -> Execution:
    """What the oracle says; the runtime brings an image into the model's colour order by itself."""
    ordered = image if program.preprocessing.color_order == "RGB" else np.ascontiguousarray(image[:, :, ::-1])
    return execute(program, ordered, iterations)


def assert_same_tensors(model: itrt.Model, image: np.ndarray, iterations: int, expected: Execution) -> None:
    found = model.taps(image, iterations)
    written = {key: value for key, value in found.items() if key != ("image", None)}
    assert written.keys() == expected.tensors.keys()
    for key, tensor in expected.tensors.items():
        np.testing.assert_array_equal(written[key], tensor, err_msg=f"{key} on {model.isa}, {model.threads} threads")


@pytest.mark.parametrize("seed", range(100))
def test_every_tensor_of_every_step_is_the_oracles(seed: int) -> None:
    program = random_program(seed)
    rng = np.random.default_rng(seed)
    image = random_image(seed, *SIZES[seed % len(SIZES)])
    iterations = int(rng.integers(1, (program.max_iterations or 6) + 1))
    expected = expected_run(program, image, iterations)
    file = to_bytes(program)
    for isa, threads in itertools.product(ISAS, (1, 2, 3)):
        model = itrt.load(file, threads=threads, isa=isa)
        assert_same_tensors(model, image, iterations, expected)
        # Taps see every tensor: they switch fusion and hoisting off. A run does not.
        np.testing.assert_array_equal(model.run(image, iterations).quantized_logits, expected.logits[-1], err_msg=isa)
        if threads == 2:
            hoisting = itrt.load(file, threads=threads, isa=isa, hoist=True)
            logits = hoisting.run(image, iterations).quantized_logits
            np.testing.assert_array_equal(logits, expected.logits[-1], err_msg=isa)


@pytest.mark.parametrize("seed", range(200, 210))
def test_runs_and_streams_answer_what_the_oracle_answers(seed: int) -> None:
    program = random_program(seed, Choices(loop=True))
    iterations = program.max_iterations or 3
    image = random_image(seed, 19, 14)
    expected = expected_run(program, image, iterations)
    model = itrt.load(to_bytes(program), threads=2)
    for count, answer in zip(range(1, iterations + 1), model.stream(image, iterations), strict=True):
        logits = expected.logits[count - 1]
        np.testing.assert_array_equal(answer.quantized_logits, logits)
        np.testing.assert_array_equal(answer.labels, labels(logits, 19, 14))
        np.testing.assert_array_equal(model.run(image, count).quantized_logits, logits)


def test_the_random_programs_are_not_all_alike() -> None:
    """Everything that the format can say is there: else the tests above show less than they claim."""
    programs = [random_program(seed) for seed in range(60)]
    operators = [each for program in programs for each in (*program.stem, *program.block, *program.head)]
    convolutions = [each for each in operators if isinstance(each, Convolution)]
    terms = [term for convolution in convolutions for term in convolution.terms]
    assert {type(each) for each in operators} == set(get_args(Operator))
    assert {program.state is None for program in programs} == {True, False}
    assert {program.max_iterations is None for program in programs} == {True, False}
    assert {program.preprocessing.color_order for program in programs} == {"RGB", "BGR"}
    assert {len(convolution.terms) for convolution in convolutions} >= {1, 2, 3}
    assert any(len(each.bias.values) > 1 for each in convolutions)
    assert any(len(term.weight.values) > 1 for term in terms)
    assert any(term.groups not in (1, term.weight.values[0].shape[0]) for term in terms)
    assert any(term.groups > 1 and term.weight.values[0].shape[3] == 1 for term in terms)  # depthwise
    assert any(term.dilation[0] != term.dilation[1] for term in terms)
    assert any(term.stride[0] != term.stride[1] for term in terms)
    assert any(term.padding[:2] != term.padding[2:] for term in terms)
    assert any(term.loop_invariant for term in terms)
    scales = [each.scale for each in convolutions]
    fixed = [scale for scale in scales if isinstance(scale, FixedPoint)]
    assert any(np.any(scale.values[0] < 0) for scale in scales if isinstance(scale, Constant))
    assert any(np.any(scale.multiplier.values[0] < 0) for scale in fixed)
    assert any(len(scale.multiplier.values) > 1 for scale in fixed)
    assert any(np.all(np.abs(scale.multiplier.values[0]) <= 2) for scale in fixed)  # products that are halves
    assert {len({type(each.scale) for each in convolutions_of(program)}) for program in programs} == {1, 2}
    assert any(each.clamp != (0, 255) for each in convolutions)
    reads_state_last = [
        program
        for program in programs
        if program.block and any(program.state in inputs_of(each) for each in program.block[writer_of_state(program) :])
    ]
    assert 5 < len(reads_state_last) < len(programs) - 15  # the state's buffer is reused, or not


def test_the_random_operators_are_not_all_alike() -> None:
    """Each way to say something is said by some program that the tests above run."""
    programs = [random_program(seed) for seed in range(100)]
    operators = [each for program in programs for each in (*program.stem, *program.block, *program.head)]
    pools = [each for each in operators if isinstance(each, Pool)]
    assert {(pool.mode, pool.ceil) for pool in pools} == {(m, c) for m in ("max", "average") for c in (True, False)}
    assert {pool.count_padding for pool in pools if pool.mode == "average"} == {True, False}
    assert any(pool.padding[:2] != pool.padding[2:] for pool in pools)
    assert any(pool.dilation != (1, 1) for pool in pools)
    assert {each.size == (1, 1) for each in operators if isinstance(each, AdaptivePool)} == {True, False}
    tables = [each.table for each in operators if isinstance(each, Lookup)]
    assert {table.values[0].shape[0] == 1 for table in tables} == {True, False}
    assert {len(table.values) == 1 for table in tables} == {True, False}
    assert {each.mode for each in operators if isinstance(each, Pad)} == {"constant", "reflect", "replicate"}
    assert any(min(each.padding) < 0 for each in operators if isinstance(each, Pad))
    resizes = [each for each in operators if isinstance(each, Resize)]
    assert {(each.mode, each.align_corners) for each in resizes} == {
        ("bilinear", False),
        ("bilinear", True),
        ("nearest", False),
    }
    assert {(each.size_of is None, each.size is None, each.factor is None) for each in resizes} == {
        (False, True, True),
        (True, False, True),
        (True, True, False),
    }
    gathers = [each for each in operators if isinstance(each, Gather)]
    assert {len(set(each.inputs)) > 1 for each in gathers} == {True, False}
    channels = {
        tuple(program.tensors[index].channels for index in each.inputs)
        for program in programs
        for each in (*program.stem, *program.block, *program.head)
        if isinstance(each, Multiply)
    }
    assert any(1 in pair and pair != (1, 1) for pair in channels)
    assert any(pair[0] == pair[1] > 1 for pair in channels)


def convolutions_of(program: Program) -> list[Convolution]:
    return [each for each in (*program.stem, *program.block, *program.head) if isinstance(each, Convolution)]


def writer_of_state(program: Program) -> int:
    return next(i for i, operator in enumerate(program.block) if operator.output == program.next_state)


def test_the_random_programs_are_not_all_executed_operator_by_operator() -> None:
    rows = [itrt.load(to_bytes(random_program(seed)), hoist=True).execution() for seed in range(60)]
    assert sum(any(row.hoisted_terms for row in each) for each in rows) > 3
    fused = [row.kind for each in rows for row in each if row.fused_into]
    assert fused.count("convolution") > 3
    assert fused.count("resize") > 3


def test_the_random_answers_say_something() -> None:
    """Neither constant nor clamped: a runtime that computes nothing must not pass."""
    lively = 0
    for seed in range(30):
        program = random_program(seed)
        answer = expected_run(program, random_image(seed, 13, 17), 1).logits[-1]
        lively += len(np.unique(answer)) > 5
    assert lively > 20
