"""Options that are files to write."""

from __future__ import annotations

from pathlib import Path

from itrt.errors import MissingFileError


def check_directories(**files: Path | None) -> None:
    """Raise where an option's file would be written into a directory that does not exist.

    Keywords are the options' names: ``json=path`` for ``--json``.
    """
    for name, file in files.items():
        if file is not None and not file.parent.is_dir():
            raise MissingFileError(f"--{name} {file}: expected the directory {file.parent}, found none")
