"""What is installed: how much it is, and what its module shares with other modules of a process."""

import os
import shutil
import subprocess
from importlib.metadata import PackagePath, files

import pytest

import itrt._core

LARGEST_PACKAGE = 3_000_000  # bytes, without bytecode and the installer's records, both packaged models included


def _installed() -> list[PackagePath]:
    return [file for file in files("itrt") or [] if file.parts[0] == "itrt" and file.suffix != ".pyc"]


@pytest.mark.skipif(os.environ.get("CI") != "true", reason="other compilers write other code")
def test_the_package_is_small() -> None:
    installed = _installed()
    if not any(file.suffix == ".itrt" for file in installed):
        pytest.skip("itrt is not installed from a wheel")
    total = sum(file.locate().stat().st_size for file in installed)
    assert total < LARGEST_PACKAGE


def test_the_module_exports_its_initialization_alone() -> None:
    nm = shutil.which("nm")
    if nm is None:
        pytest.skip("no nm")
    command = [nm, "--dynamic", "--defined-only", itrt._core.__file__]
    symbols = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\n")
    assert [line.split()[-1] for line in symbols if line] == ["PyInit__core"]
