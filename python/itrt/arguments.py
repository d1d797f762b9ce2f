"""Checks of arguments that are numbers."""

from __future__ import annotations

import numpy as np

from itrt.errors import InvalidArgumentError


def check_count(name: str, value: object, highest: int | None, lowest: int = 1) -> int:
    """Return an integer from `lowest` to `highest` (None: any), or raise InvalidArgumentError with its name."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise InvalidArgumentError(f"{name}: expected an integer, found {value!r}")
    if value < lowest or (highest is not None and value > highest):
        limit = f"at least {lowest}" if highest is None else f"{lowest} to {highest}"
        raise InvalidArgumentError(f"{name}: expected {limit}, found {value}")
    return int(value)


def check_positive(name: str, value: object, highest: float | None = None) -> float:
    """Return a finite number that is more than 0 and at most `highest`, or raise InvalidArgumentError with its name."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise InvalidArgumentError(f"{name}: expected a number, found {value!r}")
    if not 0 < value < float("inf") or (highest is not None and value > highest):
        limit = "more than 0" if highest is None else f"more than 0 and at most {highest:g}"
        raise InvalidArgumentError(f"{name}: expected {limit}, found {value}")
    return float(value)
