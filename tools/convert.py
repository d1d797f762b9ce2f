#!/usr/bin/env python3
"""The same as ``itrt convert``."""

import typer

from itrt.cli.convert import convert

if __name__ == "__main__":
    typer.run(convert)
