"""The command line: ``itrt run``, ``convert``, ``train``, ``eval``, ``curve``, ``inspect``, ``info``, ``bench``, ..."""

from __future__ import annotations

import sys
from collections.abc import Sequence

_OPTIONAL_PACKAGES = ("typer", "rich", "click")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit; the entry point ``itrt``.

    Parameters
    ----------
    arguments
        What follows the program's name; ``sys.argv[1:]`` if None.
    """
    try:
        from itrt.cli.app import app
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _OPTIONAL_PACKAGES:
            raise
        sys.stderr.write(f"error: the command line needs {error.name}: pip install 'itrt[cli]'\n")
        sys.exit(1)
    app(args=None if arguments is None else list(arguments), prog_name="itrt")
