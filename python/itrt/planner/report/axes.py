"""Round numbers along an axis."""

from __future__ import annotations

from math import ceil, floor, log2, log10

from itrt.text import binary_size


def byte_ticks(top: int, most: int = 8) -> list[int]:
    """Return round numbers of bytes from 0 up to ``top``: steps are powers of two."""
    step = 2 ** max(ceil(log2(max(top, 1) / most)), 0)
    return list(range(0, top + 1, step))


def ticks(top: float, most: int = 5) -> list[float]:
    """Return round numbers from 0 up to ``top``: steps are 1, 2 or 5 times a power of ten."""
    if top <= 0:
        return [0.0]
    raw = top / most
    power = 10.0 ** floor(log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * (1 - 1e-9))
    return [index * step for index in range(floor(top / step * (1 + 1e-9)) + 1)]


def size_ticks(low: int, high: int) -> list[int]:
    """Return round sizes from ``low`` to ``high`` (at least 1) for a logarithmic axis: powers of two, or quarters."""
    exponents = range(low.bit_length() - 1, high.bit_length())
    powers = [2**exponent for exponent in exponents if 2**exponent >= low]
    if len(powers) >= 4:
        return powers
    quarters = [2**exponent * quarter // 4 for exponent in exponents for quarter in (4, 5, 6, 7)]
    return sorted({size for size in quarters if low <= size <= high}) or [low, high]


def size_label(size: int) -> str:
    """Return a round number of bytes without a fraction that is zero: "384 KiB", "2 MiB", "1.5 MiB"."""
    if size == 0:
        return "0"
    number, unit = binary_size(size).split(" ")
    return f"{float(number):g} {unit}"
