"""Writing files so that nothing is lost: beside the target, then renamed."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from itrt.errors import InvalidArgumentError, MissingFileError


def write_atomically(path: Path, data: bytes) -> None:
    """Replace `path` by `data` in one step: a reader, or a crash half way, finds the old file or the new one."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        Path(temporary).chmod(0o666 & ~umask)  # mkstemp makes private files; a model is as readable as any other
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def check_target(path: str | os.PathLike[str], suffix: str = "") -> Path:
    """Return the path of a file that can be written, whose name ends in `suffix`."""
    target = Path(path)
    if suffix and target.suffix.lower() != suffix:
        raise InvalidArgumentError(f"path: expected a name that ends in {suffix}, found {target}")
    if target.is_dir():
        raise InvalidArgumentError(f"path: expected a file to write, found the directory {target}")
    if not target.parent.is_dir():
        raise MissingFileError(f"path: expected a file in an existing directory, found no directory {target.parent}")
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise InvalidArgumentError(f"path: expected a writable directory, found {target.parent}")
    return target


def make_directory(path: Path) -> None:
    """Make a directory if it is not there; its parent has to be.

    Raises
    ------
    MissingFileError
        If there is no such parent.
    InvalidArgumentError
        If the path is a file.
    """
    if path.exists() and not path.is_dir():
        raise InvalidArgumentError(f"output {path}: expected a directory, found a file")
    if not path.parent.is_dir():
        raise MissingFileError(f"output {path}: expected the directory {path.parent}, found none")
    path.mkdir(exist_ok=True)
