#!/usr/bin/env python3
"""Measure a model on a data set: the same as ``itrt eval``."""

import sys

from itrt.cli import main

if __name__ == "__main__":
    main(["eval", *sys.argv[1:]])
