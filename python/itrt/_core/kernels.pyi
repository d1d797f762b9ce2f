"""
Single kernels, for tests and benchmarks.
"""

from __future__ import annotations
import collections.abc
import numpy
import typing

__all__: list[str] = ["add", "conv2d", "labels", "list_kernels", "resize"]

def add(
    inputs: collections.abc.Sequence[typing.Any],
    zero_points: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    multipliers: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
    y_zero_point: typing.SupportsInt | typing.SupportsIndex,
    clamp: tuple[typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex],
    isa: str | None,
    threads: typing.SupportsInt | typing.SupportsIndex,
) -> numpy.ndarray: ...
def conv2d(
    x: typing.Any,
    w: typing.Any,
    bias: typing.Any,
    scale: typing.Any,
    x_zero_points: typing.Any,
    y_zero_point: typing.SupportsInt | typing.SupportsIndex,
    stride: tuple[typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex],
    padding: typing.Annotated[collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], "FixedSize(4)"],
    dilation: tuple[typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex],
    groups: typing.SupportsInt | typing.SupportsIndex,
    clamp: tuple[typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex],
    isa: str | None,
    threads: typing.SupportsInt | typing.SupportsIndex,
) -> numpy.ndarray: ...
def labels(
    logits: typing.Any,
    height: typing.SupportsInt | typing.SupportsIndex,
    width: typing.SupportsInt | typing.SupportsIndex,
    isa: str | None,
    threads: typing.SupportsInt | typing.SupportsIndex,
) -> numpy.ndarray: ...
def list_kernels() -> list: ...
def resize(
    x: typing.Any,
    height: typing.SupportsInt | typing.SupportsIndex,
    width: typing.SupportsInt | typing.SupportsIndex,
    isa: str | None,
    threads: typing.SupportsInt | typing.SupportsIndex,
) -> numpy.ndarray: ...
