#!/usr/bin/env python3
"""Convert a checkpoint to int8: the same as ``itrt convert``."""

import sys

from itrt.cli import main

if __name__ == "__main__":
    main(["convert", *sys.argv[1:]])
