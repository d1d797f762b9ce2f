"""Checks of the networks' arguments."""

from collections.abc import Iterable

from itrt.errors import InvalidArgumentError


def check_counts(name: str, values: Iterable[object]) -> None:
    """Raise InvalidArgumentError unless all values are counts: whole numbers of at least 1."""
    for value in values:
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise InvalidArgumentError(f"{name}: expected whole numbers of at least 1, found {value!r}")
