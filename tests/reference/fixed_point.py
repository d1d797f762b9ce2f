"""Programs whose scales become multipliers and shifts, for tests."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from itrt.format import Constant, Convolution, FixedPoint, Operator, Program


def with_fixed_point(program: Program, random: np.random.Generator | None = None, share: float = 1.0) -> Program:
    """The program with fixed-point factors in this share of its convolutions.

    Each is as near to its scale as 15 bits allow, or, with ``random``, as some number of bits does: with few of them,
    many products are halves.
    """

    def converted(operator: Operator) -> Operator:
        if not isinstance(operator, Convolution) or not isinstance(operator.scale, Constant):
            return operator
        if random is not None and random.random() >= share:
            return operator
        bits = 15 if random is None else int(random.integers(1, 16))
        return replace(operator, scale=fixed_point(operator.scale, bits))

    sections = {name: tuple(converted(each) for each in getattr(program, name)) for name in ("stem", "block", "head")}
    return replace(program, **sections)  # type: ignore[arg-type]


def fixed_point(scale: Constant, bits: int = 15) -> FixedPoint:
    """Multipliers of at most so many bits, and their shifts."""
    pairs = [_factors(np.asarray(value, np.float64), bits) for value in scale.values]
    return FixedPoint(*(Constant(tuple(values)) for values in zip(*pairs, strict=True)))


def _factors(scale: NDArray[np.float64], bits: int) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    shift = np.clip([bits - int(np.frexp(value)[1]) for value in scale], 0, 46)
    multiplier = np.clip(np.rint(scale * 2.0**shift), -32767, 32767)
    return multiplier.astype(np.int16), shift.astype(np.uint8)
