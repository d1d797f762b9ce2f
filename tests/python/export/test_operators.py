"""Every operator by itself, computed by ONNX Runtime, against the naive oracle."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest

from itrt.export.agreement import open_session
from itrt.export.context import Context
from itrt.export.convolution import that_share_a_node
from itrt.export.unrolled import translated
from itrt.format import (
    AdaptivePool,
    Add,
    Constant,
    Convolution,
    Multiply,
    Operator,
    Pool,
    Program,
    Resize,
    Tensor,
    inputs_of,
)
from itrt.format.costs import Size, tensor_sizes
from reference.executor import execute_operator
from reference.programs import random_program

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

SEEDS = range(13)
SIZE = (13, 18)


def read_by(operator: Operator) -> list[int]:
    """The tensors that an operator needs, each once."""
    size_of = [operator.size_of] if isinstance(operator, Resize) and operator.size_of is not None else []
    return list(dict.fromkeys([*inputs_of(operator), *size_of]))


def random_inputs(program: Program, operator: Operator, sizes: tuple[Size, ...]) -> dict[int, np.ndarray]:
    rng = np.random.default_rng(len(operator.name))
    return {
        index: rng.integers(0, 256, (*sizes[index], program.tensors[index].channels), np.uint8)
        for index in read_by(operator)
    }


def computed_by_onnx_runtime(
    program: Program, operator: Operator, values: dict[int, np.ndarray], sizes: tuple[Size, ...] | None
) -> np.ndarray:
    """The output, (height, width, channels)."""
    from onnx import TensorProto, helper

    names = {index: f"input{index}" for index in values}
    context = Context(program, sizes, values=dict(names))
    output = translated(context, operator)
    inputs = [
        helper.make_tensor_value_info(
            names[index], TensorProto.UINT8, [1, value.shape[2], *(value.shape[:2] if sizes else ("h", "w"))]
        )
        for index, value in values.items()
    ]
    outputs = [helper.make_tensor_value_info(output, TensorProto.UINT8, [1, "channels", "rows", "columns"])]
    session = open_session(context.graph.model("one", inputs, outputs))
    feeds = {names[index]: np.ascontiguousarray(value.transpose(2, 0, 1)[None]) for index, value in values.items()}
    (found,) = session.run([output], feeds)
    return found[0].transpose(1, 2, 0)


def is_exact(program: Program, operator: Operator) -> bool:
    """Whether every number on the way is one of binary32's, or an integer."""
    match operator:
        case Convolution():
            terms = that_share_a_node(Context(program, None), operator.terms)
            return isinstance(operator.scale, Constant) and len(terms) == 1
        case Pool():
            return operator.mode == "max"
        case AdaptivePool() | Multiply():
            return False
        case Add():
            return len(operator.inputs) < 3
        case _:
            return True


@pytest.mark.parametrize("seed", SEEDS)
def test_an_operator_alone_is_the_oracles(seed: int) -> None:
    """Byte for byte, or where sums are rounded on the way, but for one step in a hundred places."""
    program = random_program(seed)
    sizes = tensor_sizes(program, *SIZE)
    known = sizes if seed % 2 else None
    for operator in (*program.stem, *program.block, *program.head):
        values = random_inputs(program, operator, sizes)
        found = computed_by_onnx_runtime(program, operator, values, known)
        expected = execute_operator(program, operator, values, 0)
        if is_exact(program, operator):
            np.testing.assert_array_equal(found, expected, f"{operator.name}: {type(operator).__name__}")
        else:
            assert found.shape == expected.shape
            difference = np.abs(found.astype(int) - expected)
            assert difference.max(initial=0) <= 1, operator
            assert np.mean(difference != 0) < 0.01, operator


def test_the_random_operators_are_not_all_alike() -> None:
    operators = [
        operator
        for seed in SEEDS
        for program in [random_program(seed)]
        for operator in (*program.stem, *program.block, *program.head)
    ]
    assert {type(operator) for operator in operators} == set(get_args(Operator))


def pair_of(operator: Operator, *tensors: Tensor) -> Program:
    """A program whose tensors an operator reads and writes; its image is not read."""
    program = random_program(0)
    return replace(program, tensors=tensors, stem=(operator,))


@pytest.mark.parametrize("shift", [0, 1, 2, 8, 15])
def test_halves_go_up(shift: int) -> None:
    """An odd multiplier of 2 ** -shift meets every multiple of it, the halves, too: up, below zero alike."""
    add = Add("add", 1, (0,), (1,), shift)
    program = pair_of(add, Tensor("a", 1, 1.0, (128,)), Tensor("b", 1, 1.0, (100,)))
    values = {0: np.arange(256, dtype=np.uint8).reshape(16, 16, 1)}
    found = computed_by_onnx_runtime(program, add, values, None)
    np.testing.assert_array_equal(found, execute_operator(program, add, values, 0))


@pytest.mark.parametrize("before", [1, 8, 23])
@pytest.mark.parametrize("after", [4, 45])
@pytest.mark.parametrize(("mode", "align_corners"), [("bilinear", False), ("bilinear", True), ("nearest", False)])
def test_resampling_is_exact_for_any_two_sizes(before: int, after: int, mode: str, align_corners: bool) -> None:
    resize = Resize("resize", 1, 0, size=(after, 7), mode=mode, align_corners=align_corners)  # type: ignore[arg-type]
    program = pair_of(resize, Tensor("a", 2, 1.0, (3,)), Tensor("b", 2, 1.0, (3,)))
    sizes = ((before, 9), (after, 7))
    values = random_inputs(program, resize, sizes)
    expected = execute_operator(program, resize, values, 0)
    for known in (sizes, None):
        np.testing.assert_array_equal(computed_by_onnx_runtime(program, resize, values, known), expected)


@pytest.mark.parametrize("mode", ["max", "average"])
def test_windows_behind_the_input_are_left_out(mode: str) -> None:
    """The fourth window would start in the padding behind."""
    pool = Pool("pool", 1, 0, mode, (2, 2), (2, 2), (1, 1, 1, 1), ceil=True)  # type: ignore[arg-type]
    program = pair_of(pool, Tensor("a", 1, 1.0, (0,)), Tensor("b", 1, 1.0, (0,)))
    sizes = ((4, 5), (3, 3))
    values = random_inputs(program, pool, sizes)
    expected = execute_operator(program, pool, values, 0)
    assert expected.shape == (3, 3, 1)
    for known in (sizes, None):
        np.testing.assert_array_equal(computed_by_onnx_runtime(program, pool, values, known), expected)
