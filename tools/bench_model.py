#!/usr/bin/env python3
"""Measure a network beside other runtimes: the same as ``itrt bench model``."""

import sys

from itrt.cli import main

if __name__ == "__main__":
    main(["bench", "model", *sys.argv[1:]])
