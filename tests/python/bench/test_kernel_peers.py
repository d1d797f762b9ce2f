"""Other libraries beside a kernel, played here by functions of our own; and the ONNX model of one convolution."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import pytest

from itrt.bench.kernel_peers import Library, as_bytes, compare_with_peers
from itrt.bench.kernel_runners import open_itrt, open_torch_avx2
from itrt.bench.problems import ConvolutionProblem, Problem, make_problem
from itrt.bench.shapes import AddShape, ConvolutionShape, TermShape

SHAPE = ConvolutionShape(4, 8, 6, 7)
LEAN = ConvolutionShape(8, 8, 6, 7, (TermShape(groups=8), TermShape(1)))


def open_wrong(problem: Problem, difference: int) -> Callable[[], np.ndarray]:
    """Right but for one byte."""
    result = open_itrt(problem, "portable", 1)().copy()
    result[0, 0, 0] = abs(int(result[0, 0, 0]) - difference)
    return lambda: result


def open_broken() -> Callable[[], np.ndarray]:
    raise RuntimeError("no such operator")


LIBRARIES = (
    Library("same", (), lambda isa: True, lambda problem, _: [functools.partial(open_itrt, problem, "portable", 1)]),
    Library("wrong", (), lambda isa: True, lambda problem, _: [functools.partial(open_wrong, problem, 255)]),
    Library("broken", (), lambda isa: True, lambda problem, _: [open_broken]),
    Library("absent", ("no_such_module",), lambda isa: True, lambda problem, _: []),
    Library("other", (), lambda isa: isa == "other", lambda problem, _: []),
)


def test_rows_say_how_equal_a_library_is() -> None:
    done: list[None] = []
    shapes = [SHAPE, AddShape(1, 2, 3, 4)]
    rows = compare_with_peers(shapes, ["portable"], [1], libraries=LIBRARIES, done=lambda: done.append(None))
    assert len(done) == 2
    assert [row.library for row in rows] == ["itrt", "same", "wrong", "broken", "absent"]
    ours, same, wrong, broken, absent = rows
    assert (ours.ratio, ours.equal, ours.largest_difference) == (1, 1, 0)
    assert (same.equal, same.largest_difference) == (1, 0)
    assert wrong.equal == pytest.approx(1 - 1 / (6 * 7 * 8))
    assert wrong.largest_difference > 0
    assert broken.failure == "RuntimeError: no such operator"
    assert absent.failure == "not installed: no_such_module"
    assert absent.as_json() == {
        "shape": SHAPE.name,
        "isa": "portable",
        "threads": 1,
        "library": "absent",
        "failure": "not installed: no_such_module",
    }
    assert same.as_json()["ratio"] == same.seconds / ours.seconds


@pytest.mark.parametrize("shape", [SHAPE, LEAN], ids=lambda shape: shape.name)
def test_a_float_library_computes_the_same_convolution(shape: ConvolutionShape, monkeypatch) -> None:
    for variable in ("ONEDNN_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY"):
        monkeypatch.setenv(variable, "")  # the runner sets them; this process gets them back
    problem = make_problem(shape, 0, zero_point=0)
    assert isinstance(problem, ConvolutionProblem)
    found = as_bytes(open_torch_avx2(problem, 1)(), 0).astype(int)
    assert np.abs(found - problem.prepare("portable").run(problem.inputs)).max() <= 1


def test_floats_become_bytes() -> None:
    floats = np.array([-300, -1.5, 0.4, 0.5, 1.5, 300], np.float32)
    assert as_bytes(floats, 10).tolist() == [0, 8, 10, 10, 12, 255]


@pytest.mark.parametrize("shape", [SHAPE, LEAN], ids=lambda shape: shape.name)
@pytest.mark.parametrize("float_input", [False, True])
def test_the_onnx_model_is_the_same_convolution(shape: ConvolutionShape, float_input: bool) -> None:
    """By ONNX's own reference implementation, which shares nothing with us."""
    onnx = pytest.importorskip("onnx")
    from onnx.reference import ReferenceEvaluator

    from itrt.bench.one_operator import INPUT, INPUT_SCALE, OUTPUT, build

    problem = make_problem(shape, 1, zero_point=0)
    assert isinstance(problem, ConvolutionProblem)
    expected = problem.prepare("portable").run(problem.inputs).astype(int)
    for in_8_bits in (False, True):
        model = onnx.load_from_string(build(problem, in_8_bits, float_input=float_input))
        source = problem.input[None]
        inputs = {INPUT: source * np.float32(INPUT_SCALE) if float_input else source}
        (found,) = ReferenceEvaluator(model).run([OUTPUT], inputs)
        most = 4 if len(problem.weights) > 1 and in_8_bits else 1
        assert np.abs(found[0].astype(int) - expected).max() <= most
