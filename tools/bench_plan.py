#!/usr/bin/env python3
"""Measure memory planning beside other allocators: the same as ``itrt bench plan``."""

import sys

from itrt.cli import main

if __name__ == "__main__":
    main(["bench", "plan", *sys.argv[1:]])
