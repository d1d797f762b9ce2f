#!/usr/bin/env python3
"""Verify and time single kernels: the same as ``itrt bench kernels``, against the naive oracles beside this file."""

import sys
from pathlib import Path

from itrt.cli import main

REFERENCE = Path(__file__).parents[1] / "tests" / "reference"

if __name__ == "__main__":
    arguments = sys.argv[1:]
    if "--reference" not in arguments and REFERENCE.is_dir():
        arguments = ["--reference", str(REFERENCE), *arguments]
    main(["bench", "kernels", *arguments])
