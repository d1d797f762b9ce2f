#!/usr/bin/env python3
"""Train an ItNet: the same as ``itrt train``."""

import sys

from itrt.cli import main

if __name__ == "__main__":
    main(["train", *sys.argv[1:]])
