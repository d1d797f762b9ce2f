"""Operations of feed-forward networks: windows, tables and products."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from itrt import _core
from itrt.kernels import arguments
from itrt.kernels.prepared import Operation


class Pool(Operation):
    """The maximum or the average of each window of a uint8 (H, W, C) array.

    Args:
        mode: "max" or "average".
        kernel: one number or (vertical, horizontal).
        stride: one number or (vertical, horizontal).
        padding: one number, (vertical, horizontal) or (top, left, bottom, right); at most half of the kernel.
        dilation: one number or (vertical, horizontal); 1 for an average.
        ceil: the last window may reach beyond the padded input.
        count_padding: (average alone) padded places count as zeros.
        multiplier: of the average's requantization, 1 .. 32767.
        shift: 0 .. 28; the factor is multiplier / 2 ** shift.
        x_zero_point: 0 .. 255.
        y_zero_point: 0 .. 255.
        isa: an instruction set that `itrt.kernels.list()` names.

    """

    def __init__(
        self,
        mode: Literal["max", "average"],
        kernel: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] = 0,
        dilation: int | Sequence[int] = 1,
        *,
        ceil: bool = False,
        count_padding: bool = False,
        multiplier: SupportsIndex = 1,
        shift: SupportsIndex = 0,
        x_zero_point: SupportsIndex = 0,
        y_zero_point: SupportsIndex = 0,
        isa: str | None = None,
    ):
        top, left, bottom, right = arguments.padding(padding)
        super().__init__(
            _core.kernels.Pool(
                mode,
                arguments.pair("kernel", kernel),
                arguments.pair("stride", stride),
                (top, left, bottom, right),
                arguments.pair("dilation", dilation),
                ceil,
                count_padding,
                arguments.integer("multiplier", multiplier),
                arguments.integer("shift", shift),
                arguments.integer("x_zero_point", x_zero_point),
                arguments.integer("y_zero_point", y_zero_point),
                arguments.isa(isa),
            )
        )


class AdaptivePool(Operation):
    """Averages of windows that divide a uint8 (H, W, C) array into (height, width) parts; `Pool` has the arguments."""

    def __init__(
        self,
        size: int | Sequence[int],
        multiplier: SupportsIndex = 1,
        shift: SupportsIndex = 0,
        x_zero_point: SupportsIndex = 0,
        y_zero_point: SupportsIndex = 0,
        isa: str | None = None,
    ):
        super().__init__(
            _core.kernels.AdaptivePool(
                arguments.pair("size", size),
                arguments.integer("multiplier", multiplier),
                arguments.integer("shift", shift),
                arguments.integer("x_zero_point", x_zero_point),
                arguments.integer("y_zero_point", y_zero_point),
                arguments.isa(isa),
            )
        )


class Lookup(Operation):
    """out = table[channel][input] of a uint8 (H, W, C) array; ``table`` is uint8, (1, 256) or (C, 256)."""

    def __init__(self, table: NDArray[np.uint8], isa: str | None = None):
        super().__init__(_core.kernels.Lookup(table, arguments.isa(isa)))


class Multiply(Operation):
    """The product of two uint8 (H, W, C) arrays; one pixel goes with every size, one channel with every count.

    Args:
        zero_points: of the two inputs, 0 .. 255.
        multiplier: 1 .. 32767.
        shift: 0 .. 45; the product is multiplied with multiplier / 2 ** shift and rounded, halves up.
        y_zero_point: 0 .. 255.
        clamp: lowest and highest stored result.
        isa: an instruction set that `itrt.kernels.list()` names.

    """

    def __init__(
        self,
        zero_points: Sequence[int],
        multiplier: SupportsIndex,
        shift: SupportsIndex,
        y_zero_point: SupportsIndex = 0,
        clamp: Sequence[int] = (0, 255),
        isa: str | None = None,
    ):
        super().__init__(
            _core.kernels.Multiply(
                arguments.pair("zero_points", zero_points),
                arguments.integer("multiplier", multiplier),
                arguments.integer("shift", shift),
                arguments.integer("y_zero_point", y_zero_point),
                arguments.clamp(clamp),
                arguments.isa(isa),
            )
        )
