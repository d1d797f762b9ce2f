"""Reading one table of an accelerator file: every key is known, every figure has a unit and a source, or is unknown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, NoReturn

from itrt.errors import AcceleratorError
from itrt.planner.accelerator import LARGEST

UNKNOWN = "unknown"
THIS_MACHINE = "this machine"


@dataclass(frozen=True)
class Fields:
    """The table at ``place`` (dotted, "" for the top) of ``file``; errors name both."""

    file: str
    place: str
    entries: Mapping[str, Any]
    sources: dict[str, str] = field(default_factory=dict)  # filled by `figure` and shared with inner tables

    def name_of(self, key: str) -> str:
        """The dotted place of a key."""
        return f"{self.place}.{key}" if self.place else key

    def fail(self, key: str, expected: str, found: str) -> NoReturn:
        """Raise the error that says where it is."""
        raise AcceleratorError(f"{self.file}: {self.name_of(key)}: expected {expected}, found {found}")

    def only(self, allowed: Iterable[str]) -> None:
        """Refuse keys that nobody reads: a typing error would otherwise make a figure unknown."""
        names = list(allowed)
        for key in self.entries:
            if key not in names:
                close = get_close_matches(key, names, n=1)
                hint = f" (did you mean {close[0]}?)" if close else ""
                self.fail(key, f"one of the keys {', '.join(names)}", f"an unknown key{hint}")

    def table(self, key: str) -> Fields:
        """The table of this name."""
        value = self._present(key, "a table")
        if not isinstance(value, dict):
            self.fail(key, "a table", repr(value))
        return Fields(self.file, self.name_of(key), value, self.sources)

    def text(self, key: str) -> str:
        """A text that is not empty."""
        value = self._present(key, "a text")
        if not isinstance(value, str) or not value.strip():
            self.fail(key, "a text", repr(value))
        return value

    def says(self, key: str, word: str) -> bool:
        """Whether the key has this word in a figure's place."""
        return bool(self.entries.get(key) == word)

    def figure(self, key: str, units: Mapping[str, float], zero: bool = False) -> float | None:
        """Return a figure in base units, or None where the file says "unknown".

        Args:
            key: of ``{ value = ..., unit = ..., source = ... }``.
            units: that it may have, with their factors.
            zero: whether 0 is a value that makes sense.

        """
        inner = self._published(key)
        if inner is None:
            return None
        inner.only(("value", "unit", "source"))
        number = inner._present("value", "a number")
        if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
            inner.fail("value", "a finite number", repr(number))
        if number < 0 or (number == 0 and not zero):
            inner.fail("value", "a number that is not negative" if zero else "a number above 0", repr(number))
        unit = inner.text("unit")
        if unit not in units:
            inner.fail("unit", f"one of {', '.join(units)}", repr(unit))
        value = number * units[unit]
        if not math.isfinite(value):
            inner.fail("value", "a number that is finite in base units", f"{number!r} {unit}")
        self.sources[self.name_of(key)] = inner.text("source")
        return value

    def whole(self, key: str, units: Mapping[str, float]) -> int | None:
        """Return a figure that is a whole number of base units, at most 2^63 - 1."""
        value = self.figure(key, units)
        if value is None:
            return None
        if value != int(value) or value > LARGEST:
            self.fail(key, "a whole number of at most 2^63 - 1", f"{value:g}")
        return int(value)

    def flag(self, key: str) -> bool | None:
        """A yes or no with a source, or None where the file says "unknown"."""
        inner = self._published(key)
        if inner is None:
            return None
        inner.only(("value", "source"))
        value = inner._present("value", "true or false")
        if not isinstance(value, bool):
            inner.fail("value", "true or false", repr(value))
        self.sources[self.name_of(key)] = inner.text("source")
        return value

    def _published(self, key: str) -> Fields | None:
        value = self._present(key, f'a figure with value and source, or "{UNKNOWN}"')
        if value == UNKNOWN:
            return None
        if not isinstance(value, dict):
            self.fail(key, f'a figure with value and source, or "{UNKNOWN}"', repr(value))
        return Fields(self.file, self.name_of(key), value, self.sources)

    def _present(self, key: str, expected: str) -> Any:
        if key not in self.entries:
            self.fail(key, expected, "no such key")
        return self.entries[key]
