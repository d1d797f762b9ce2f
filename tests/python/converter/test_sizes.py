"""Sizes as expressions of the image's: what is one number, or one fraction, for all images."""

from __future__ import annotations

from fractions import Fraction

import pytest

from itrt.converter.sizes import difference, ratio, same

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


def test_one_size_written_in_several_ways() -> None:
    assert same("height//2", "((height - 2)//2) + 1")
    assert same(f"(({HALF} - 1)//2) + 1", "((height - 1)//4) + 1")
    assert not same(HALF, "height//2")
    assert not same("height//64", "(height - 1)//64")
    assert not same("height", "width")
