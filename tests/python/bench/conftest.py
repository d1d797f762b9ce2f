"""Functions that processes of their own can time: picklable, and with a trace of who was called when."""

import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest


def _open(name: str, trace: Path, labels: int) -> Callable[[], np.ndarray]:
    def call() -> np.ndarray:
        with trace.open("a") as file:
            file.write(f"{name}\n")
        return np.full((2, 3), labels, np.uint8)

    return call


def _fail_to_open() -> Callable[[], np.ndarray]:
    raise LookupError("no such model")


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """The file in which every call leaves its name."""
    return tmp_path / "trace"


@pytest.fixture
def opener(trace: Path) -> Callable[[str, int], functools.partial]:
    """An opener of this name whose labels have this value."""
    return lambda name, labels: functools.partial(_open, name, trace, labels)


@pytest.fixture
def broken_opener() -> Callable[[], Callable[[], np.ndarray]]:
    """An opener that raises."""
    return _fail_to_open
