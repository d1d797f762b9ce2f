"""The option ``--size`` of several commands."""

from __future__ import annotations

import re

from itrt.errors import InvalidArgumentError


def parse_size(text: str) -> tuple[int, int]:
    """Height and width from a text such as 360x480."""
    match = re.fullmatch(r"([1-9]\d{0,5})x([1-9]\d{0,5})", text)
    if match is None:
        raise InvalidArgumentError(f"--size: expected height and width such as 360x480, found {text!r}")
    return int(match[1]), int(match[2])
