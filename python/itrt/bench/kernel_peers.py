"""Other libraries on the same convolutions: times in turns, outputs compared."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from itrt import kernels
from itrt.bench import kernel_runners, one_operator
from itrt.bench.interleave import Opener, Timing, time_in_turns
from itrt.bench.problems import ConvolutionProblem, make_problem
from itrt.bench.shapes import ConvolutionShape, Shape

OURS = "itrt"
_TURNS = 8
_SECONDS_A_TURN = 0.02
_MOST_CALLS = 500


@dataclass(frozen=True)
class PeerRow:
    """One library on one shape; itrt itself is among them."""

    shape: ConvolutionShape
    isa: str
    threads: int
    library: str
    seconds: float = 0  # the median
    best_seconds: float = 0
    ratio: float = 0  # to itrt's median
    equal: float = 0  # share of the output's bytes
    largest_difference: int = 0
    failure: str = ""  # why there are no numbers

    def as_json(self) -> dict[str, Any]:
        """Numbers and names, nothing rounded; a library that could not run has a reason only."""
        row = {"shape": self.shape.name, "isa": self.isa, "threads": self.threads, "library": self.library}
        if self.failure:
            return {**row, "failure": self.failure}
        return {
            **row,
            "nanoseconds": self.seconds * 1e9,
            "best_nanoseconds": self.best_seconds * 1e9,
            "ratio": self.ratio,
            "equal_bytes": self.equal,
            "largest_difference": self.largest_difference,
        }


@dataclass(frozen=True)
class Library:
    """``variants`` are ways to run a problem; the faster one is the library's."""

    name: str
    modules: tuple[str, ...]
    competes: Callable[[str], bool]  # with the kernels of an instruction set
    variants: Callable[[ConvolutionProblem, int], list[Opener]]

    def missing(self) -> list[str]:
        """Modules that are not installed."""
        return [module for module in self.modules if find_spec(module) is None]


def _is_best(isa: str) -> bool:
    """Quantized libraries take the best that the CPU has."""
    return isa == kernels.list()[0]["isa"]


def _onnx_runtime(problem: ConvolutionProblem, threads: int) -> list[Opener]:
    """Between two 8-bit operators it needs 8 bits: a float sum would make the convolutions float."""
    return [functools.partial(kernel_runners.open_onnx_runtime, one_operator.build(problem), problem, threads)]


def _openvino(problem: ConvolutionProblem, threads: int) -> list[Opener]:
    """Several terms with their sums in 8 bits, or left in float."""
    models = [
        one_operator.build(problem, in_8_bits, float_input=True)
        for in_8_bits in ([True, False] if len(problem.weights) > 1 else [True])
    ]
    return [functools.partial(kernel_runners.open_openvino, model, problem, threads) for model in models]


def _torch_avx2(problem: ConvolutionProblem, threads: int) -> list[Opener]:
    return [functools.partial(kernel_runners.open_torch_avx2, problem, threads)]


LIBRARIES = (
    Library("ONNX Runtime", ("onnx", "onnxruntime"), _is_best, _onnx_runtime),
    Library("OpenVINO", ("onnx", "openvino"), _is_best, _openvino),
    Library("PyTorch, float, AVX2", ("torch",), lambda isa: isa == "avx2", _torch_avx2),
)


def compare_with_peers(
    shapes: Iterable[Shape],
    isas: Sequence[str],
    threads: Sequence[int],
    seed: int = 0,
    libraries: Sequence[Library] = LIBRARIES,
    done: Callable[[], None] = lambda: None,
) -> list[PeerRow]:
    """Every convolution in every library that competes with an instruction set.

    Each library runs in a process of its own; they take turns. A library that is not installed, or cannot run a
    shape, has a row that says so.
    """
    rows: list[PeerRow] = []
    for shape in shapes:
        for isa in isas:
            for count in threads:
                if isinstance(shape, ConvolutionShape):
                    rows += _compare(shape, isa, count, seed, libraries)
                done()
    return rows


def _compare(shape: ConvolutionShape, isa: str, threads: int, seed: int, libraries: Sequence[Library]) -> list[PeerRow]:
    problem = make_problem(shape, seed, zero_point=0)
    assert isinstance(problem, ConvolutionProblem)
    competing = [library for library in libraries if library.competes(isa)]
    openers: dict[tuple[str, int], Opener] = {
        (OURS, 0): functools.partial(kernel_runners.open_itrt, problem, isa, threads)
    }
    failures = {
        library.name: "not installed: " + ", ".join(library.missing()) for library in competing if library.missing()
    }
    for library in competing:
        if library.name not in failures:
            openers |= {(library.name, n): opener for n, opener in enumerate(library.variants(problem, threads))}
    once = problem.prepare(isa).time(problem.inputs, 3, threads).min()
    turns = time_in_turns(openers, _TURNS, int(np.clip(_SECONDS_A_TURN / once, 2, _MOST_CALLS)))
    for (name, _), reason in turns.failures.items():
        failures.setdefault(name, reason)
    ours = turns.timings[OURS, 0]
    rows = []
    for name in (OURS, *(library.name for library in competing)):
        variants = [timing for (other, _), timing in turns.timings.items() if other == name]
        if variants:
            fastest = min(variants, key=lambda timing: timing.median)
            rows.append(_row(problem, isa, threads, name, fastest, ours))
        else:
            rows.append(PeerRow(shape, isa, threads, name, failure=failures[name]))
    return rows


def _row(problem: ConvolutionProblem, isa: str, threads: int, library: str, timing: Timing, ours: Timing) -> PeerRow:
    found, expected = as_bytes(timing.labels, problem.zero_point), ours.labels
    difference = np.abs(found.astype(np.int64) - expected)
    return PeerRow(
        problem.shape,
        isa,
        threads,
        library,
        timing.median,
        timing.minimum,
        timing.median / ours.median,
        float(np.mean(difference == 0)),
        int(difference.max()),
    )


def as_bytes(output: NDArray[Any], zero_point: int) -> NDArray[np.uint8]:
    """A float output as the u8 that it stands for; an u8 output as it is."""
    if output.dtype == np.uint8:
        return output
    result: NDArray[np.uint8] = np.clip(np.rint(output) + zero_point, 0, 255).astype(np.uint8)
    return result
