"""Options that are sizes: of images, and of memories."""

from __future__ import annotations

import re
from fractions import Fraction

from itrt.errors import InvalidArgumentError
from itrt.planner.units import BYTES


def parse_size(text: str) -> tuple[int, int]:
    """Height and width from a text such as 360x480."""
    match = re.fullmatch(r"([1-9]\d{0,5})x([1-9]\d{0,5})", text)
    if match is None:
        raise InvalidArgumentError(f"--size: expected height and width such as 360x480, found {text!r}")
    return int(match[1]), int(match[2])


def parse_bytes(option: str, text: str) -> int:
    """Bytes from a text such as 262144, 256KiB or 1.5 MB; `option` is named where it is none."""
    match = re.fullmatch(r"(\d{1,18}(?:\.\d{1,9})?) ?([A-Za-z]*)", text.strip())
    unit = None if match is None else BYTES.get(match[2] or "B")
    count = 0 if match is None or unit is None else Fraction(match[1]) * unit
    if count < 1 or count.denominator != 1:
        units = ", ".join(BYTES)
        raise InvalidArgumentError(f"{option}: expected whole bytes, with or without a unit ({units}), found {text!r}")
    return int(count)
