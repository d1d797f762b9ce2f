"""Workloads: MAC, bytes and rows of layers agree with the runtime, which finds them by itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

import itrt
from itrt import _core, planner
from itrt.errors import InvalidArgumentError, MissingFileError, ModelFileError
from itrt.format import to_bytes, write
from itrt.format.costs import operator_costs, tensor_sizes
from itrt.planner import Layer, TensorSize, Window, Workload
from itrt.planner.workload import Constants
from reference.executor import execute_operator
from reference.programs import random_image, random_program
from reference.small_program import small_program

SEEDS = range(12)


def test_a_small_network_by_hand() -> None:
    work = planner.load_workload(small_program(3), 64, 48, iterations=2)
    assert [(layer.section, layer.index, layer.name, layer.kind) for layer in work.layers] == [
        ("stem", 0, "stem", "convolution"),
        ("stem", 1, "first", "add"),
        ("block", 0, "join", "convolution"),
        ("block", 1, "down", "convolution"),
        ("block", 2, "rise", "resize"),
        ("block", 3, "mix", "convolution"),
        ("head", 0, "head", "convolution"),
    ]
    join, mix = work.layers[2], work.layers[5]
    assert join.macs == 16 * 12 * 8 * (3 * 3 * 8 + 8)
    assert join.weights == Constants(8 * (3 * 3 * 8 + 8), 0, 8 * (3 * 3 * 8 + 8), 0)
    assert join.vectors == Constants(8 * 4 * 2, 8 * 4 * 2, 8 * 2, 8 * 2)  # bias and scale, one value a step
    assert [work.tensors[index].name for index in join.inputs] == ["state", "features"]
    assert [window.loop_invariant for window in join.windows] == [False, True]
    assert mix.windows[1] == Window(3, (3, 3), (1, 1), (2, 2), (2, 2, 2, 2), 4, 16 * 12 * 8 * 3 * 3 * 2)
    assert work.tensors[3] == TensorSize("joined", 16, 12, 8)
    assert work.tensors[3].bytes == 16 * 12 * 8
    assert work.tensors[3].row_bytes == 12 * 8


@pytest.mark.parametrize("seed", SEEDS)
def test_macs_are_those_of_inspect_profile_and_the_compiled_module(seed: int) -> None:
    program = random_program(seed)
    work = planner.load_workload(program, 19, 26)
    macs = [layer.macs for layer in work.layers]
    sizes = tensor_sizes(program, 19, 26)
    operators = (*program.stem, *program.block, *program.head)
    assert macs == [operator_costs(operator, sizes).macs for operator in operators]
    rows = _core.Program(to_bytes(program), None).operators
    assert macs == [row.macs_per_pixel * sizes[row.output][0] * sizes[row.output][1] for row in rows]
    profile = itrt.load(to_bytes(program)).profile(random_image(seed, 19, 26), repeats=1)
    assert work.macs == profile.macs


@pytest.mark.parametrize("seed", SEEDS)
def test_constants_of_all_steps_are_those_of_the_file(seed: int) -> None:
    program = random_program(seed)
    work = planner.load_workload(program, 19, 26)
    steps = program.max_iterations or 1
    held = sum(layer.weights.held(steps) + layer.vectors.held(steps) for layer in work.layers)
    assert held == itrt.load(to_bytes(program)).weight_bytes


@pytest.mark.parametrize("seed", range(40))
def test_no_operator_reads_other_rows(seed: int) -> None:
    """Of random programs, in the oracle: noise outside of the rows that are named changes nothing in the output's."""
    program, random = random_program(seed), np.random.default_rng(seed)
    work = planner.load_workload(program, 17, 13)

    def noise(tensor: int) -> NDArray[np.uint8]:
        size = work.tensors[tensor]
        return random.integers(0, 256, (size.height, size.width, size.channels), np.uint8)

    values = {index: noise(index) for index in range(len(work.tensors))}
    for layer, operator in zip(work.layers, (*program.stem, *program.block, *program.head), strict=True):
        height = work.tensors[layer.output].height
        first = int(random.integers(0, height))
        last = int(random.integers(first + 1, height + 1))
        noisy = dict(values)
        for tensor in layer.inputs:
            noisy[tensor] = noise(tensor)
            for window in layer.windows:
                if window.input == tensor:
                    begin, end = work.input_rows(layer, window, first, last)
                    noisy[tensor][begin:end] = values[tensor][begin:end]
        expected, found = (execute_operator(program, operator, each, 0)[first:last] for each in (values, noisy))
        np.testing.assert_array_equal(found, expected, operator.name)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_layer_reads_no_other_rows(seed: int) -> None:
    """Noise outside of the rows that are named changes nothing in the output's rows."""
    random = np.random.default_rng(seed)
    height, output_height = int(random.integers(1, 30)), int(random.integers(1, 30))
    image = random.integers(0, 256, (height, 3, 4), dtype=np.uint8)
    first = int(random.integers(0, output_height))
    last = int(random.integers(first + 1, output_height + 1))
    begin, end = resized(height, output_height).input_rows(*layer_of(resized(height, output_height)), first, last)
    noisy = random.integers(0, 256, image.shape, dtype=np.uint8)
    noisy[begin:end] = image[begin:end]
    expected = itrt.kernels.resize(image, output_height, 5)[first:last]
    assert (itrt.kernels.resize(noisy, output_height, 5)[first:last] == expected).all()


def resized(height: int, output_height: int) -> Workload:
    tensors = (TensorSize("in", height, 3, 4), TensorSize("out", output_height, 5, 4))
    layer = Layer("stem", 0, "rise", "resize", 1, (Window(0, reads="bilinear"),), Constants(), Constants())
    return Workload("resize", 1, 1, tensors, (layer,), 0, None, None, 1)


def layer_of(work: Workload) -> tuple[Layer, Window]:
    return work.layers[0], work.layers[0].windows[0]


@given(
    height=st.integers(1, 12),
    kernel=st.integers(1, 5),
    stride=st.integers(1, 4),
    dilation=st.integers(1, 3),
    top=st.integers(0, 9),
    bottom=st.integers(0, 9),
    data=st.data(),
)
def test_rows_of_a_convolution_are_those_under_its_taps(
    height: int, kernel: int, stride: int, dilation: int, top: int, bottom: int, data: st.DataObject
) -> None:
    output_height = (height + top + bottom - dilation * (kernel - 1) - 1) // stride + 1
    assume(output_height >= 1)
    first = data.draw(st.integers(0, output_height - 1))
    last = data.draw(st.integers(first + 1, output_height))
    window = Window(0, (kernel, 1), (stride, 1), (dilation, 1), (top, 0, bottom, 0))
    layer = Layer("stem", 0, "layer", "convolution", 1, (window,), Constants(), Constants())
    tensors = (TensorSize("in", height, 1, 1), TensorSize("out", output_height, 1, 1))
    work = Workload("convolution", 1, 1, tensors, (layer,), 0, None, None, 1)
    touched = {
        y * stride + tap * dilation - top
        for y in range(first, last)
        for tap in range(kernel)
        if 0 <= y * stride + tap * dilation - top < height
    }
    begin, end = work.input_rows(layer, window, first, last)
    assert touched <= set(range(begin, end))
    if touched:
        assert touched >= {begin, end - 1} or begin == 0 or end == height
        assert 0 <= begin < end <= height


def test_a_file_and_its_bytes(tmp_path: Path) -> None:
    program = small_program(None)
    path = tmp_path / "small.itrt"
    write(program, path)
    expected = planner.load_workload(program, 32, 32, 5, 2)
    assert planner.load_workload(path, 32, 32, 5, 2) == expected
    assert planner.load_workload(str(path), 32, 32, 5, 2) == expected
    assert planner.load_workload(path.read_bytes(), 32, 32, 5, 2) == expected
    assert expected.executions("stem") == 1
    assert expected.executions("block") == 5
    assert expected.executions("head") == 2


def test_iterations_are_those_of_the_training_if_nobody_says() -> None:
    assert planner.load_workload(small_program(3), 32, 32).iterations == 2


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(MissingFileError, match="model none.itrt: expected a file, found none"):
        planner.load_workload("none.itrt", 32, 32)


def test_a_file_that_is_no_model() -> None:
    with pytest.raises(ModelFileError):
        planner.load_workload(b"nothing", 32, 32)


def test_a_damaged_file() -> None:
    data = bytearray(to_bytes(small_program(3)))
    data[-1] ^= 1
    with pytest.raises(ModelFileError):
        planner.load_workload(bytes(data), 32, 32)


def test_a_model_of_another_type() -> None:
    with pytest.raises(InvalidArgumentError, match="expected a program, a path or bytes, found int"):
        planner.load_workload(5, 32, 32)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ((0, 32, 1, 1), "height: expected at least 1, found 0"),
        ((32, -1, 1, 1), "width: expected at least 1, found -1"),
        ((32, 32, 4, 1), "iterations: expected 1 to 3, found 4"),
        ((32, 32, 0, 1), "iterations: expected 1 to 3, found 0"),
        ((32, 32, 2, 3), "answers: expected 1 to 2, found 3"),
        ((32, 32, 2, 1.5), "answers: expected an integer, found 1.5"),
        ((32, 32, True, 1), "iterations: expected an integer, found True"),
    ],
)
def test_numbers_out_of_range(numbers: tuple[int, int, int, int], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        planner.load_workload(small_program(3), *numbers)
