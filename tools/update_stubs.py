#!/usr/bin/env python3
"""Write python/itrt/_core/*.pyi from the installed module, or check that they are up to date (--check)."""

from __future__ import annotations

import argparse
import difflib
import subprocess
import sys
import tempfile
from pathlib import Path

STUBS = Path(__file__).parents[1] / "python" / "itrt" / "_core"


def generate() -> dict[str, str]:
    """The stubs of `itrt._core` and its submodules by file name, formatted."""
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run(
            [sys.executable, "-m", "pybind11_stubgen", "itrt._core", "--output-dir", directory, "--exit-code"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        files = sorted((Path(directory) / "itrt" / "_core").glob("*.pyi"))
        return {file.name: format_stub(file.read_text()) for file in files}


def format_stub(text: str) -> str:
    """The text as the project's formatter leaves it."""
    command = [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(STUBS / "stub.pyi"), "-"]
    return subprocess.run(command, input=text, check=True, capture_output=True, text=True).stdout


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only compare")
    check = parser.parse_args().check
    generated = generate()
    if not check:
        STUBS.mkdir(exist_ok=True)
        for name, text in generated.items():
            (STUBS / name).write_text(text)
        return 0
    committed = {file.name: file.read_text() for file in sorted(STUBS.glob("*.pyi"))}
    for name in sorted(committed.keys() | generated.keys()):
        before, after = (stubs.get(name, "").splitlines(True) for stubs in (committed, generated))
        sys.stdout.writelines(difflib.unified_diff(before, after, f"committed/{name}", f"generated/{name}"))
    return int(committed != generated)


if __name__ == "__main__":
    sys.exit(main())
