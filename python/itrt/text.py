"""Numbers for people: what tables, pictures and messages print alike."""

from __future__ import annotations

UNKNOWN = "unknown"


def binary_size(count: int) -> str:
    """A number of bytes: "812 B", "1.5 KiB", "2.31 MiB"."""
    if count < 1024:
        return f"{count} B"
    return f"{count / 1024:.1f} KiB" if count < 1 << 20 else f"{count / (1 << 20):.2f} MiB"


def counted(number: int, thing: str) -> str:
    """A number and its noun: "1 thread", "2 threads"."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def millions(count: int) -> str:
    """A large number of operations: "12.34 M"."""
    return f"{count / 1e6:,.2f} M" if count else "0"


def milliseconds(seconds: float | None) -> str:
    """A time, without its unit; "unknown" where it is None."""
    return UNKNOWN if seconds is None else f"{seconds * 1e3:,.3f}"


def percent(share: float | None) -> str:
    """A share of one: "81.3 %"; "unknown" where it is None."""
    return UNKNOWN if share is None else f"{share * 100:.1f} %"


def shortened(text: str, most: int = 60) -> str:
    """A text of at most so many characters; what is cut off is counted."""
    return text if len(text) <= most else f"{text[: most - 20]}… ({len(text)} characters)"


def decibel(ratio: float) -> str:
    """A ratio in dB, without its unit: "31.4", "inf"."""
    return f"{ratio:.1f}"


def engineering(value: float | None, unit: str) -> str:
    """A quantity with a prefix of the SI, 1e-12 to 1e12: "12.3 uJ", "4 GB/s"; "unknown" where it is None."""
    if value is None:
        return UNKNOWN
    factors = {"T": 1e12, "G": 1e9, "M": 1e6, "k": 1e3, "": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12}
    prefix = next(
        (name for name, factor in factors.items() if abs(value) >= factor * (1 - 1e-12)), "" if not value else "p"
    )
    return f"{value / factors[prefix]:.4g} {prefix}{unit}"
