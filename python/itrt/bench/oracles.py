"""What a kernel's output is held against before it is timed."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from itrt.bench.problems import (
    AddProblem,
    ConvolutionProblem,
    LookupProblem,
    MultiplyProblem,
    PoolProblem,
    Problem,
    ResampleProblem,
)
from itrt.errors import MissingFileError, VerificationError
from itrt.format import Pool


class Oracle(Protocol):
    """Gives the bytes that every kernel has to give."""

    @property
    def name(self) -> str: ...
    def expected(self, problem: Problem) -> NDArray[Any]: ...


class PortableOracle:
    """The portable kernels: all that an installed package has."""

    name = "portable kernel"

    def expected(self, problem: Problem) -> NDArray[Any]:
        """What the portable kernel gives."""
        return problem.prepare("portable").run(problem.inputs)


class NaiveOracle:
    """The formulas of docs/numerics.md typed out, which the repository has in tests/reference.

    Args:
        directory: that holds `operators.py`.

    """

    name = "naive oracle"

    def __init__(self, directory: Path):
        path = directory / "operators.py"
        spec = importlib.util.spec_from_file_location("itrt_reference_operators", path)
        if not path.is_file() or spec is None or spec.loader is None:
            raise MissingFileError(f"{directory}: expected the naive oracles (operators.py), found none")
        self._operators: Any = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = self._operators  # its dataclasses look themselves up
        spec.loader.exec_module(self._operators)

    def expected(self, problem: Problem) -> NDArray[Any]:
        """What the formula gives."""
        result: NDArray[Any]
        match problem:
            case ConvolutionProblem():
                result = self._convolution(problem)
            case AddProblem():
                arguments = problem.zero_points, problem.multipliers, problem.shift, problem.zero_point, (0, 255)
                result = self._operators.add(problem.inputs, *arguments)
            case ResampleProblem(shape=shape):
                function = getattr(self._operators, shape.operation)
                result = function(problem.inputs[0], shape.output_height, shape.output_width)
            case PoolProblem(inputs=[image], zero_point=zero_point):
                pool = Pool("pool", 0, 0, **problem.geometry)
                if pool.mode == "max":
                    result = self._operators.max_pool(image, pool)
                else:
                    result = self._operators.average_pool(image, zero_point, pool, zero_point)
            case LookupProblem(inputs=[image], table=table):
                result = self._operators.lookup(image, table)
            case MultiplyProblem(zero_point=zero_point, multiplier=multiplier, shift=shift):
                zero_points = (zero_point, zero_point)
                result = self._operators.multiply(problem.inputs, zero_points, multiplier, shift, zero_point, (0, 255))
            case _:
                raise TypeError(type(problem).__name__)
        return result

    def _convolution(self, problem: ConvolutionProblem) -> NDArray[Any]:
        terms = [
            self._operators.OracleTerm(
                problem.input,
                [problem.zero_point],
                weight,
                (term.stride,) * 2,
                (term.padding,) * 4,
                (term.dilation,) * 2,
                term.groups,
            )
            for weight, term in zip(problem.weights, problem.shape.terms, strict=True)
        ]
        result: NDArray[Any] = self._operators.convolution(
            terms, problem.bias, problem.scale, problem.zero_point, (0, 255)
        )
        return result


def verify(found: NDArray[Any], expected: NDArray[Any], kernel: str, oracle: str) -> None:
    """Raise `VerificationError`, which says where and how the first wrong element differs."""
    if found.shape != expected.shape:
        raise VerificationError(f"{kernel}: expected shape {expected.shape} ({oracle}), found {found.shape}")
    wrong = np.argwhere(found != expected)
    if len(wrong):
        first = tuple(int(index) for index in wrong[0])
        raise VerificationError(
            f"{kernel}: expected the bytes of the {oracle}, found {len(wrong)} of {found.size} others; "
            f"at {first} expected {expected[first]}, found {found[first]}"
        )
