"""
Buffers with lifetimes to offsets. Pieces: rows of (buffer, begin, end, offset, size), int64.
"""

from __future__ import annotations
import collections.abc
import itrt._core
import numpy
import numpy.typing
import typing

__all__: list[str] = [
    "SESSION_ALIGNMENT",
    "SESSION_SLACK",
    "Solution",
    "find_conflict",
    "place_in_order",
    "session_buffers",
    "solve",
    "tensor_buffers",
]

class Solution:
    """
    A layout, and what is known of all others.
    """
    def fits(self, capacity: typing.SupportsInt | typing.SupportsIndex) -> bool | None: ...
    @property
    def height(self) -> int: ...
    @property
    def lower_bound(self) -> int: ...
    @property
    def nodes(self) -> int: ...
    @property
    def offsets(self) -> numpy.typing.NDArray[numpy.int64]: ...
    @property
    def proven(self) -> bool: ...

def find_conflict(
    pieces: typing.Annotated[numpy.typing.ArrayLike, numpy.int64],
    alignments: typing.Annotated[numpy.typing.ArrayLike, numpy.int64],
    offsets: typing.Annotated[numpy.typing.ArrayLike, numpy.int64],
    height: typing.SupportsInt | typing.SupportsIndex,
) -> str | None:
    """
    What is wrong with a layout, or None.
    """

def place_in_order(
    pieces: typing.Annotated[numpy.typing.ArrayLike, numpy.int64],
    alignments: typing.Annotated[numpy.typing.ArrayLike, numpy.int64],
    order: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
) -> tuple:
    """
    Each buffer at the lowest free offset: offsets and height.
    """

def session_buffers(
    program: itrt._core.Program,
    height: typing.SupportsInt | typing.SupportsIndex,
    width: typing.SupportsInt | typing.SupportsIndex,
    stripes: collections.abc.Sequence[
        tuple[
            str,
            typing.SupportsInt | typing.SupportsIndex,
            typing.SupportsInt | typing.SupportsIndex,
            typing.SupportsInt | typing.SupportsIndex,
        ]
    ],
) -> list[tuple[list[tuple[int, int, int]], list[tuple[int, int, int, int]]]]:
    """
    The same of a session.
    """

def solve(
    pieces: typing.Annotated[numpy.typing.ArrayLike, numpy.int64],
    alignments: typing.Annotated[numpy.typing.ArrayLike, numpy.int64],
    capacity: typing.SupportsInt | typing.SupportsIndex | None = None,
    nodes: typing.SupportsInt | typing.SupportsIndex | None = None,
    seconds: typing.SupportsFloat | typing.SupportsIndex | None = None,
) -> Solution:
    """
    The best layout within limits of work (nodes: deterministic) and time; Ctrl-C keeps the best one.
    """

def tensor_buffers(
    program: itrt._core.Program,
    height: typing.SupportsInt | typing.SupportsIndex,
    width: typing.SupportsInt | typing.SupportsIndex,
    alignment: typing.SupportsInt | typing.SupportsIndex,
    striped: collections.abc.Sequence[
        tuple[typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex]
    ],
    absent: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    rows_at_once: typing.SupportsInt | typing.SupportsIndex,
    views: bool,
) -> list[tuple[list[tuple[int, int, int]], list[tuple[int, int, int, int]]]]:
    """
    Tensors that share a buffer (each with the bytes below it there, and from one of its pixels to the next),
    and its pieces, where the operators in each of the ranges `striped` run in turns, some tensors are not
    there as a whole, convolutions write so many rows before they read what later rows need (0: in no order),
    and, with `views`, concatenations hold their inputs. Time counts operators: stem, block, head.
    """

SESSION_ALIGNMENT: int = 64
SESSION_SLACK: int = 64
