"""Operations made ready once: packed weights, a chosen kernel; then bound to inputs, run and timed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, NDArray

from itrt import _core
from itrt.errors import InvalidArgumentError
from itrt.kernels import arguments


class Call:
    """An operation bound to inputs: they are copied, and all memory is allocated."""

    def __init__(self, call: _core.kernels.Call):
        self._call = call

    def run(self) -> NDArray[Any]:
        """Execute once; the result is an array of its own."""
        result: NDArray[Any] = self._call.run()
        return result

    def time(self, repeats: SupportsIndex) -> NDArray[np.float64]:
        """Execute `repeats` times, back to back and without the GIL; the seconds of each."""
        return np.array(self._call.time(arguments.integer("repeats", repeats)))


class _Core(Protocol):
    """What the compiled operations have in common."""

    @property
    def kernel(self) -> str: ...
    def bind(self, inputs: Sequence[Any], threads: int) -> _core.kernels.Call: ...


class Operation:
    """What `Convolution`, `Add`, `Pool` and all others have in common."""

    def __init__(self, core: _Core):
        self._core = core

    @property
    def kernel(self) -> str:
        """The name of the kernel that runs."""
        return self._core.kernel

    def bind(self, inputs: Sequence[NDArray[np.uint8]], threads: SupportsIndex = 1) -> Call:
        """Make everything ready for these inputs and at most so many threads."""
        if not isinstance(inputs, Sequence):
            raise InvalidArgumentError(f"inputs: expected a sequence of uint8 arrays, found {type(inputs).__name__}")
        return Call(self._core.bind([*inputs], arguments.integer("threads", threads)))

    def run(self, inputs: Sequence[NDArray[np.uint8]], threads: SupportsIndex = 1) -> NDArray[Any]:
        """Execute once on these inputs."""
        return self.bind(inputs, threads).run()

    def time(
        self, inputs: Sequence[NDArray[np.uint8]], repeats: SupportsIndex, threads: SupportsIndex = 1
    ) -> NDArray[np.float64]:
        """Execute `repeats` times, back to back, without the GIL, on prepared memory; the seconds of each."""
        return self.bind(inputs, threads).time(repeats)


@dataclass(frozen=True, eq=False)
class Term:
    """One summand of a convolution.

    Attributes:
        w_s8: int8 (O, kernel height, kernel width, C / groups).
        x_zero_point: 0 .. 255, one number or one a channel; padding has this value.
        stride: one number or (vertical, horizontal).
        padding: one number, (vertical, horizontal) or (top, left, bottom, right).
        dilation: one number or (vertical, horizontal).
        groups: divides C and O.

    """

    w_s8: NDArray[np.int8]
    x_zero_point: ArrayLike = 0
    stride: int | Sequence[int] = 1
    padding: int | Sequence[int] = 0
    dilation: int | Sequence[int] = 1
    groups: SupportsIndex = 1
    core: _core.kernels.Term = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Check everything here, where the traceback shows which term is wrong."""
        core = _core.kernels.Term(
            self.w_s8,
            arguments.zero_points(self.x_zero_point),
            arguments.pair("stride", self.stride),
            arguments.padding(self.padding),
            arguments.pair("dilation", self.dilation),
            arguments.integer("groups", self.groups),
        )
        object.__setattr__(self, "core", core)


class Convolution(Operation):
    """A quantized convolution, a sum of terms in one accumulator, packed for one kernel.

    Args:
        terms: one or more; `run` takes one input a term, uint8 (H, W, C) or (N, H, W, C). Terms may share an array: it
            is then read where it lies, as a network would.
        bias_i32: int32 (O,), or None for zeros.
        scale_f32: float32 (O,), or one number; finite, of any sign.
        y_zero_point: 0 .. 255.
        clamp: lowest and highest stored result.
        isa: an instruction set that `itrt.kernels.list()` names.

    """

    def __init__(
        self,
        terms: Sequence[Term],
        bias_i32: NDArray[np.int32] | None,
        scale_f32: ArrayLike,
        y_zero_point: SupportsIndex = 0,
        clamp: Sequence[int] = (0, 255),
        isa: str | None = None,
    ):
        if not isinstance(terms, Sequence) or not all(isinstance(term, Term) for term in terms):
            raise InvalidArgumentError(f"terms: expected a sequence of Term, found {type(terms).__name__}")
        channels = terms[0].w_s8.shape[0] if terms else 1
        super().__init__(
            _core.kernels.Convolution(
                [term.core for term in terms],
                np.zeros(channels, np.int32) if bias_i32 is None else bias_i32,
                arguments.scales(scale_f32, channels),
                arguments.integer("y_zero_point", y_zero_point),
                arguments.clamp(clamp),
                arguments.isa(isa),
            )
        )


class Add(Operation):
    """The sum of multiplier * (input - zero point), divided by 2 ** shift and rounded, halves up, to uint8.

    Args:
        zero_points: one an input, 0 .. 255; with one of them this is a requantization.
        multipliers: one an input, -32767 .. 32767.
        shift: 0 .. 28.
        y_zero_point: 0 .. 255.
        clamp: lowest and highest stored result.
        isa: an instruction set that `itrt.kernels.list()` names.

    """

    def __init__(
        self,
        zero_points: Sequence[SupportsIndex],
        multipliers: Sequence[SupportsIndex],
        shift: SupportsIndex,
        y_zero_point: SupportsIndex = 0,
        clamp: Sequence[int] = (0, 255),
        isa: str | None = None,
    ):
        super().__init__(
            _core.kernels.Add(
                [arguments.integer("zero_points", value) for value in zero_points],
                [arguments.integer("multipliers", value) for value in multipliers],
                arguments.integer("shift", shift),
                arguments.integer("y_zero_point", y_zero_point),
                arguments.clamp(clamp),
                arguments.isa(isa),
            )
        )


class Resize(Operation):
    """Resampling of a uint8 (H, W, C) array to (height, width, C).

    Args:
        height: of the result, in pixels.
        width: of the result, in pixels.
        isa: an instruction set that `itrt.kernels.list()` names.
        mode: "bilinear" or "nearest".
        align_corners: (bilinear alone) the corner pixels' centres meet; else half-pixel centres.

    """

    def __init__(
        self,
        height: SupportsIndex,
        width: SupportsIndex,
        isa: str | None = None,
        *,
        mode: str = "bilinear",
        align_corners: bool = False,
    ):
        size = arguments.integer("height", height), arguments.integer("width", width)
        super().__init__(_core.kernels.Resize(*size, mode, align_corners, arguments.isa(isa)))


class Labels(Operation):
    """The classes with the largest logit after bilinear resampling without rounding; the lowest class wins ties.

    The input is uint8 (H, W, classes), the result (height, width), uint8 up to 256 classes, else uint16.
    """

    def __init__(self, height: SupportsIndex, width: SupportsIndex, isa: str | None = None):
        size = arguments.integer("height", height), arguments.integer("width", width)
        super().__init__(_core.kernels.Labels(*size, arguments.isa(isa)))
