"""Sizes as expressions of the image's: what is one number, or one fraction, for all images."""

from __future__ import annotations

from fractions import Fraction

import pytest

from itrt.converter.sizes import difference, ratio

HALF = "((height - 1)//2) + 1"


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [("height", "height - 3", 3), (HALF, HALF, 0), ("7", "9", -2), ("height", "width", None), ("height", "3", None)],
)
def test_difference(first: str, second: str, expected: int | None) -> None:
    assert difference(first, second) == expected


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (f"2*({HALF})", HALF, Fraction(2)),
        ("3*width", "2*width", Fraction(3, 2)),
        (f"({HALF})//4", HALF, Fraction(1, 4)),
        (HALF, "height", None),  # rounded up
        ("height + 1", "height", None),
    ],
)
def test_ratio(first: str, second: str, expected: Fraction | None) -> None:
    assert ratio(first, second) == expected
