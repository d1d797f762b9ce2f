"""Numbers for people."""

from __future__ import annotations

import pytest

from itrt import text


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (2422210, "2.31 MiB"), (1 << 20, "1.00 MiB")],
)
def test_binary_sizes(count: int, expected: str) -> None:
    assert text.binary_size(count) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0, "0 J"),
        (1.23456e-5, "12.35 uJ"),
        (999.0, "999 J"),
        (1e3, "1 kJ"),
        (4e9, "4 GJ"),
        (5e15, "5000 TJ"),
        (2e-13, "0.2 pJ"),
        (None, "unknown"),
    ],
)
def test_quantities(value: float | None, expected: str) -> None:
    assert text.engineering(value, "J") == expected


def test_long_texts_and_ratios() -> None:
    assert text.shortened("a" * 60) == "a" * 60
    assert text.shortened("a" * 61) == "a" * 40 + "… (61 characters)"
    assert [text.decibel(ratio) for ratio in (31.44, float("inf"))] == ["31.4", "inf"]


def test_counts_times_and_shares() -> None:
    assert [text.counted(number, "row") for number in (0, 1, 2)] == ["0 rows", "1 row", "2 rows"]
    assert [text.millions(count) for count in (0, 1_234_567)] == ["0", "1.23 M"]
    assert [text.milliseconds(seconds) for seconds in (None, 1.5)] == ["unknown", "1,500.000"]
    assert [text.percent(share) for share in (None, 0.8126)] == ["unknown", "81.3 %"]
