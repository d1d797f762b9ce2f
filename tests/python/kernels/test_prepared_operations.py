"""`itrt.kernels.Convolution`, `Add`, `Resize` and `Labels`: prepared once, run and timed often."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from itrt import kernels
from itrt.errors import InvalidArgumentError
from itrt.kernels import Convolution, Operation, Term
from reference import operators as oracle

ISAS = sorted({row["isa"] for row in kernels.list() if row["operation"] == "convolution"})
IMAGE = np.arange(6 * 7 * 4, dtype=np.uint8).reshape(6, 7, 4)


def weights(rng: np.random.Generator, *shape: int) -> NDArray[np.int8]:
    return rng.integers(-128, 128, shape, np.int8)


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([1, 4, 16]),
    st.integers(1, 4),
    st.tuples(st.integers(1, 9), st.integers(1, 40)),
    st.integers(1, 2),
    st.booleans(),
)
def test_a_lean_convolution_equals_the_oracle(
    seed: int, groups: int, per_group: int, size: tuple[int, int], stride: int, shared: bool
) -> None:
    """A grouped (or depthwise) 3x3 term and a 1x1 term, on one input or on two of one size."""
    rng = np.random.default_rng(seed)
    channels = groups * per_group
    first = rng.integers(0, 256, (*size, channels), np.uint8)
    second = first if shared else rng.integers(0, 256, first.shape, np.uint8)
    points = (int(rng.integers(256)), int(rng.integers(256)))
    spatial, pointwise = weights(rng, channels, 3, 3, per_group), weights(rng, channels, 1, 1, channels)
    bias = rng.integers(-1000, 1000, channels, np.int32)
    scale = rng.uniform(-2e-3, 2e-3, channels).astype(np.float32)
    expected = oracle.convolution(
        [
            oracle.OracleTerm(first, [points[0]], spatial, (stride, stride), (1, 1, 1, 1), (1, 1), groups),
            oracle.OracleTerm(second, [points[1]], pointwise, (stride, stride)),
        ],
        bias,
        scale,
        100,
        (3, 250),
    )
    terms = [Term(spatial, points[0], stride, 1, 1, groups), Term(pointwise, points[1], stride)]
    for isa in ISAS:
        prepared = Convolution(terms, bias, scale, 100, (3, 250), isa)
        for threads in (1, 2):
            np.testing.assert_array_equal(prepared.run([first, second], threads), expected, isa)


OPERATIONS = [
    (Convolution([Term(np.ones((3, 2, 2, 4), np.int8))], None, 1e-2), [IMAGE]),
    (kernels.Add([3, 4], [2, 1], 2, 9), [IMAGE, IMAGE[::-1]]),
    (kernels.Resize(9, 5), [IMAGE]),
    (kernels.Labels(9, 5), [IMAGE]),
]


@pytest.mark.parametrize(("operation", "inputs"), OPERATIONS, ids=lambda value: type(value).__name__)
def test_a_bound_operation_has_its_inputs_and_gives_new_results(
    operation: Operation, inputs: list[NDArray[np.uint8]]
) -> None:
    copies = [array.copy() for array in inputs]
    expected = operation.run(copies)
    call = operation.bind(copies, threads=2)
    for array in copies:
        array[:] = 0
    first = call.run()
    first_copy = first.copy()
    first[:] = 0
    np.testing.assert_array_equal(call.run(), expected)
    np.testing.assert_array_equal(first_copy, expected)


@pytest.mark.parametrize(("operation", "inputs"), OPERATIONS, ids=lambda value: type(value).__name__)
def test_timing_gives_the_seconds_of_every_repeat(operation: Operation, inputs: list[NDArray[np.uint8]]) -> None:
    seconds = operation.time(inputs, 7)
    assert seconds.shape == (7,)
    assert (seconds > 0).all()
    for repeats in (0, -1, 1.5, 10**7):
        with pytest.raises(InvalidArgumentError, match="repeats: expected"):
            operation.time(inputs, repeats)  # type: ignore[arg-type]


def test_the_kernel_is_one_of_the_list() -> None:
    operations = dict(zip(("convolution", "add", "resize", "labels"), OPERATIONS, strict=True))
    selected = {row["operation"]: row["name"] for row in kernels.list() if row["selected"]}
    for name in ("add", "resize", "labels"):
        assert operations[name][0].kernel == selected[name]
    names = {row["name"] for row in kernels.list() if row["operation"] == "convolution"}
    assert operations["convolution"][0].kernel in names


def test_python_threads_share_a_call() -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (20, 30, 16), np.uint8)
    operation = Convolution([Term(weights(rng, 16, 3, 3, 16), padding=1)], None, 1e-3)
    call, expected = operation.bind([x], threads=2), operation.run([x])
    with ThreadPoolExecutor(4) as executor:
        assert all(executor.map(lambda _: np.array_equal(call.run(), expected), range(200)))


def test_a_call_outlives_its_operation() -> None:
    call = Convolution([Term(np.ones((64, 3, 3, 4), np.int8))], None, 1e-2).bind([IMAGE])
    np.testing.assert_array_equal(call.run(), kernels.conv2d(IMAGE, np.ones((64, 3, 3, 4), np.int8), None, 1e-2))


@pytest.mark.parametrize(
    ("terms", "inputs", "message"),
    [
        ([], [], "terms: expected at least one, found none"),
        (None, [], "terms: expected a sequence of Term"),
        ([1], [], "terms: expected a sequence of Term"),
        ([Term(np.ones((3, 1, 1, 4), np.int8)), Term(np.ones((4, 1, 1, 4), np.int8))], [], "terms: expected 3 output"),
        ([Term(np.ones((3, 1, 1, 4), np.int8))], [], "inputs: expected 1 elements, found 0"),
        ([Term(np.ones((3, 1, 1, 4), np.int8))], IMAGE, "inputs: expected a sequence"),
        ([Term(np.ones((3, 1, 1, 5), np.int8))], [IMAGE], r"input 0: expected 5 channels, found shape \(6, 7, 4\)"),
        ([Term(np.ones((3, 9, 1, 4), np.int8))], [IMAGE], "input 0: height: expected at least 9 with padding, found 6"),
        (
            [Term(np.ones((3, 1, 1, 4), np.int8)), Term(np.ones((3, 3, 3, 4), np.int8))],
            [IMAGE, IMAGE],
            "input 1: expected as many images and the same output size",
        ),
    ],
)
def test_terms_and_inputs_that_do_not_fit(terms: object, inputs: object, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        Convolution(terms, None, 1.0).run(inputs)  # type: ignore[arg-type]


def test_a_wrong_term_is_an_error_where_it_is_made() -> None:
    with pytest.raises(InvalidArgumentError, match="groups: expected a divisor of 6 output channels, found 4"):
        Term(np.ones((6, 3, 3, 1), np.int8), groups=4)


def test_terms_share_the_31_bits_of_an_accumulator() -> None:
    term = Term(np.full((1, 1, 1, 40_000), 127, np.int8))
    Convolution([term], None, 1.0)
    with pytest.raises(InvalidArgumentError, match="31 bits"):
        Convolution([term, term], None, 1.0)


def test_an_output_that_no_memory_holds_is_an_error() -> None:
    with pytest.raises(InvalidArgumentError, match="output: expected at most"):
        kernels.resize(IMAGE, 2**31 - 1, 2**31 - 1)


@pytest.mark.parametrize("isa", sorted({row["isa"] for row in kernels.list()}))
def test_measure_peak(isa: str) -> None:
    peak = kernels.measure_peak(isa, 2)
    assert peak is None if isa == "portable" else peak is not None and peak > 0


@pytest.mark.parametrize("arguments", [("z80", 1), (3, 1), ("portable", 0), ("portable", 1.5)])
def test_bad_arguments_of_measure_peak(arguments: tuple[object, object]) -> None:
    with pytest.raises(InvalidArgumentError, match=r"expected .*, found "):
        kernels.measure_peak(*arguments)  # type: ignore[arg-type]


EXIT_WHILE_RUNNING = """
import sys, threading
import numpy as np
from itrt import kernels

x = np.zeros((64, 64, 64), np.uint8)
calls = {
    "Convolution": kernels.Convolution([kernels.Term(np.ones((64, 3, 3, 64), np.int8))], None, 1e-3).bind([x]),
    "Add": kernels.Add([0], [1], 0).bind([x]),
    "Resize": kernels.Resize(128, 128).bind([x]),
    "Labels": kernels.Labels(128, 128).bind([x]),
}
begun = threading.Event()

def run():
    while True:
        calls[sys.argv[1]].run()
        begun.set()

def time():
    while True:
        calls[sys.argv[1]].time(2)
        begun.set()

def peak():
    while True:
        kernels.measure_peak("avx2")
        begun.set()

threading.Thread(target=globals()[sys.argv[2]], daemon=True).start()
assert begun.wait(60)
print("done")
"""


@pytest.mark.parametrize(
    ("operation", "function"),
    [
        ("Convolution", "run"),
        ("Convolution", "time"),
        ("Add", "run"),
        ("Resize", "run"),
        ("Labels", "run"),
        ("", "peak"),
    ],
)
def test_a_process_may_end_while_a_daemon_thread_runs_a_kernel(operation: str, function: str) -> None:
    if function == "peak" and "avx2" not in ISAS:
        pytest.skip("no AVX2")
    command = [sys.executable, "-c", EXIT_WHILE_RUNNING, operation, function]
    for _ in range(3):
        finished = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert (finished.returncode, finished.stdout) == (0, "done\n"), finished.stderr
