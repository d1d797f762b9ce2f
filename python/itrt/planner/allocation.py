"""Offsets for buffers with one lifetime each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from itrt._core import plan
from itrt.errors import InvalidArgumentError

Rows = Sequence[tuple[int, int, int]] | npt.NDArray[np.integer]


@dataclass(frozen=True)
class Allocation:
    """Where buffers lie, and how much lower they could.

    Attributes
    ----------
    offsets
        (n,) int64, bytes from the arena's beginning.
    peak
        Bytes of the arena.
    lower_bound
        Bytes that every allocation of these buffers needs.
    proven
        Whether no allocation is lower: `peak` equals `lower_bound`.
    fits
        Whether the buffers fit the capacity that was asked for: True (so do these offsets), False (proven), or None
        (not known, or no capacity was given).
    """

    offsets: npt.NDArray[np.int64]
    peak: int
    lower_bound: int
    proven: bool
    fits: bool | None


def allocate(
    buffers: Rows,
    capacity: int | None = None,
    time_limit: float | None = None,
    alignment: int = 1,
    work_limit: int | None = None,
) -> Allocation:
    """Find offsets for buffers so that the arena is small; what lives at the same time lies apart.

    Parameters
    ----------
    buffers
        Rows (lower, upper, size): lives in [lower, upper), needs `size` bytes; or an integer array (n, 3).
    capacity
        Bytes that suffice: the first allocation within them is returned. None: as low as possible.
    time_limit
        Seconds after which the best allocation so far is returned; Ctrl-C does the same at once. Results then depend on
        the machine. The first, greedy allocation is always finished.
    alignment
        Of every offset, bytes.
    work_limit
        Decisions of the search: the same result on every machine. None: a few thousand without a `time_limit`, any
        number with one.

    Raises
    ------
    InvalidArgumentError
        Where a row, the capacity, a limit or the alignment makes no sense.
    """
    rows = checked_rows(buffers)
    if time_limit is not None and not (math.isfinite(time_limit) and time_limit >= 0):
        raise InvalidArgumentError(f"time_limit: expected seconds of at least 0, found {time_limit}")
    for name, value, least in (("alignment", alignment, 1), ("capacity", capacity, 0), ("work_limit", work_limit, 0)):
        if value is not None and not least <= value < 2**62:
            raise InvalidArgumentError(f"{name}: expected {least} .. 2^62 - 1, found {value}")
    pieces, alignments = as_pieces(rows, alignment)
    solution = plan.solve(pieces, alignments, capacity=capacity, nodes=work_limit, seconds=time_limit)
    return Allocation(
        offsets=solution.offsets,
        peak=solution.height,
        lower_bound=solution.lower_bound,
        proven=solution.proven,
        fits=None if capacity is None else solution.fits(capacity),
    )


def checked_rows(buffers: Rows) -> npt.NDArray[np.int64]:
    """Rows as an array (n, 3) int64."""
    try:
        rows = np.asarray(buffers)
    except (ValueError, OverflowError) as error:
        raise InvalidArgumentError(f"buffers: expected rows (lower, upper, size), found others: {error}") from error
    if rows.size == 0:
        return np.empty((0, 3), np.int64)
    if rows.dtype.kind not in "iu":
        raise InvalidArgumentError(f"buffers: expected integers of 64 bits, found {rows.dtype}")
    if rows.ndim != 2 or rows.shape[1] != 3:
        raise InvalidArgumentError(f"buffers: expected rows (lower, upper, size), found shape {rows.shape}")
    if rows.dtype.kind == "u" and rows.max() > np.iinfo(np.int64).max:
        raise InvalidArgumentError(f"buffers: expected integers below 2^63, found {rows.max()}")
    return rows.astype(np.int64)


def as_pieces(rows: npt.NDArray[np.int64], alignment: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Rows (lower, upper, size) as what `itrt._core.plan` takes: pieces (n, 5) and alignments (n,)."""
    pieces = np.zeros((len(rows), 5), np.int64)
    pieces[:, 0] = np.arange(len(rows))
    pieces[:, 1:3] = rows[:, :2]
    pieces[:, 4] = rows[:, 2]
    return pieces, np.full(len(rows), alignment, np.int64)
