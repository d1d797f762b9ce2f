#!/usr/bin/env python3
"""Train an ItNet: the same as ``itrt train``."""

import typer

from itrt.cli.train import train

if __name__ == "__main__":
    typer.run(train)
