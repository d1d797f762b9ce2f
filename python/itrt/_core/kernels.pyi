"""
Single kernels, for tests and benchmarks.
"""

from __future__ import annotations
import collections.abc
import numpy
import typing

__all__: list[str] = [
    "AdaptivePool",
    "Add",
    "Call",
    "Convolution",
    "Labels",
    "Lookup",
    "Multiply",
    "Pool",
    "Resize",
    "Term",
    "list_kernels",
    "measure_peak",
]

class Call:
    """
    A kernel with inputs and memory made ready.
    """
    def run(self) -> numpy.ndarray: ...
    def time(self, repeats: typing.SupportsInt | typing.SupportsIndex) -> list[float]: ...

class Add:
    """
    An addition of quantized arrays.
    """
    def __init__(
        self,
        zero_points: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
        multipliers: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
        shift: typing.SupportsInt | typing.SupportsIndex,
        y_zero_point: typing.SupportsInt | typing.SupportsIndex,
        clamp: tuple[typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex],
        isa: str | None,
    ) -> None: ...
    def bind(
        self, inputs: collections.abc.Sequence[typing.Any], threads: typing.SupportsInt | typing.SupportsIndex
    ) -> Call: ...
    @property
    def kernel(self) -> str: ...

class Term:
    """
    A summand of a convolution.
    """
    def __init__(
        self,
        w: typing.Any,
        x_zero_points: typing.Any,
        stride: tuple[typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex],
        padding: typing.Annotated[collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], "FixedSize(4)"],
        dilation: tuple[typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex],
        groups: typing.SupportsInt | typing.SupportsIndex,
    ) -> None: ...

class Convolution:
    """
    A convolution with packed weights.
    """
    def __init__(
        self,
        terms: collections.abc.Sequence[Term],
        bias: typing.Any,
        scale: typing.Any,
        y_zero_point: typing.SupportsInt | typing.SupportsIndex,
        clamp: tuple[typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex],
        isa: str | None,
    ) -> None: ...
    def bind(
        self, inputs: collections.abc.Sequence[typing.Any], threads: typing.SupportsInt | typing.SupportsIndex
    ) -> Call: ...
    @property
    def kernel(self) -> str: ...

class Lookup:
    """
    A table for all channels, or one a channel.
    """
    def __init__(self, table: typing.Any, isa: str | None) -> None: ...
    def bind(
        self, inputs: collections.abc.Sequence[typing.Any], threads: typing.SupportsInt | typing.SupportsIndex
    ) -> Call: ...
    @property
    def kernel(self) -> str: ...

class Multiply:
    """
    A product of quantized arrays.
    """
    def __init__(
        self,
        zero_points: tuple[typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex],
        multiplier: typing.SupportsInt | typing.SupportsIndex,
        shift: typing.SupportsInt | typing.SupportsIndex,
        y_zero_point: typing.SupportsInt | typing.SupportsIndex,
        clamp: tuple[typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex],
        isa: str | None,
    ) -> None: ...
    def bind(
        self, inputs: collections.abc.Sequence[typing.Any], threads: typing.SupportsInt | typing.SupportsIndex
    ) -> Call: ...
    @property
    def kernel(self) -> str: ...

class Pool:
    """
    Maximum or average of windows.
    """
    def __init__(
        self,
        mode: str,
        kernel: tuple[typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex],
        stride: tuple[typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex],
        padding: typing.Annotated[collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], "FixedSize(4)"],
        dilation: tuple[typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex],
        ceil: bool,
        count_padding: bool,
        multiplier: typing.SupportsInt | typing.SupportsIndex,
        shift: typing.SupportsInt | typing.SupportsIndex,
        x_zero_point: typing.SupportsInt | typing.SupportsIndex,
        y_zero_point: typing.SupportsInt | typing.SupportsIndex,
        isa: str | None,
    ) -> None: ...
    def bind(
        self, inputs: collections.abc.Sequence[typing.Any], threads: typing.SupportsInt | typing.SupportsIndex
    ) -> Call: ...
    @property
    def kernel(self) -> str: ...

class AdaptivePool:
    """
    Averages of windows that divide the input.
    """
    def __init__(
        self,
        size: tuple[typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex],
        multiplier: typing.SupportsInt | typing.SupportsIndex,
        shift: typing.SupportsInt | typing.SupportsIndex,
        x_zero_point: typing.SupportsInt | typing.SupportsIndex,
        y_zero_point: typing.SupportsInt | typing.SupportsIndex,
        isa: str | None,
    ) -> None: ...
    def bind(
        self, inputs: collections.abc.Sequence[typing.Any], threads: typing.SupportsInt | typing.SupportsIndex
    ) -> Call: ...
    @property
    def kernel(self) -> str: ...

class Resize:
    """
    Resampling to one size.
    """
    def __init__(
        self,
        height: typing.SupportsInt | typing.SupportsIndex,
        width: typing.SupportsInt | typing.SupportsIndex,
        mode: str,
        align_corners: bool,
        isa: str | None,
    ) -> None: ...
    def bind(
        self, inputs: collections.abc.Sequence[typing.Any], threads: typing.SupportsInt | typing.SupportsIndex
    ) -> Call: ...
    @property
    def kernel(self) -> str: ...

class Labels:
    """
    Labels of logits at one size.
    """
    def __init__(
        self,
        height: typing.SupportsInt | typing.SupportsIndex,
        width: typing.SupportsInt | typing.SupportsIndex,
        isa: str | None,
    ) -> None: ...
    def bind(
        self, inputs: collections.abc.Sequence[typing.Any], threads: typing.SupportsInt | typing.SupportsIndex
    ) -> Call: ...
    @property
    def kernel(self) -> str: ...

def list_kernels() -> list: ...
def measure_peak(isa: str | None, threads: typing.SupportsInt | typing.SupportsIndex) -> float | None: ...
