"""A small model as bytes, loaded, and an image."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import itrt
from itrt.format import to_bytes
from reference.programs import random_image
from reference.small_program import small_program


@pytest.fixture(scope="session")
def limited_file() -> bytes:
    """A model of 11 classes that was made for 2 iterations and can run 3."""
    return to_bytes(small_program(3))


@pytest.fixture(scope="session")
def endless_file() -> bytes:
    """A model of 11 classes that was made for 2 iterations and can run any number."""
    return to_bytes(small_program(None))


@pytest.fixture
def limited(limited_file: bytes) -> itrt.Model:
    return itrt.load(limited_file, threads=2)


@pytest.fixture
def endless(endless_file: bytes) -> itrt.Model:
    return itrt.load(endless_file, threads=2)


@pytest.fixture(scope="session")
def image() -> np.ndarray:
    return random_image(5, 45, 62)


@pytest.fixture
def run_script(tmp_path: Path) -> Callable[..., str]:
    """Run Python code in a process of its own; what it prints. A failure or a warning of it is one of the test."""

    def run(code: str, *arguments: object) -> str:
        script = tmp_path / "script.py"
        script.write_text(code)
        command = [sys.executable, str(script), *map(str, arguments)]
        finished = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert finished.returncode == 0, f"exit code {finished.returncode}\n{finished.stdout}{finished.stderr}"
        return finished.stdout

    return run
