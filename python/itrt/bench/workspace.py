"""Where the models of a comparison are built, once each."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from itrt.bench.subject import Size, Subject


@contextmanager
def output_to(path: Path) -> Iterator[None]:
    """What is printed meanwhile, by Python or by libraries, is appended to this file: converters tell a lot."""
    sys.stdout.flush()
    sys.stderr.flush()
    saved = os.dup(1), os.dup(2)
    with path.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for target, copy in zip((1, 2), saved, strict=True):
            os.dup2(copy, target)
            os.close(copy)


@dataclass(frozen=True)
class Task:
    """A model to build: of this subject, for images of this size and this many iterations."""

    subject: Subject
    size: Size
    iterations: int
    directory: Path
    version: str = ""

    def built(self, name: str, build: Callable[[Path], None]) -> Path:
        """The directory that `build` fills; one that an earlier comparison has filled is taken as it is.

        `name` says what is in it; subject, size and version of the runtime are told apart here.
        """
        height, width = self.size
        target = self.directory / self.subject.fingerprint() / f"{name}-{self.version}-{height}x{width}"
        if not target.is_dir():
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = Path(tempfile.mkdtemp(dir=target.parent))
            try:
                build(partial)
                partial.rename(target)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
        return target

    def array_file(self, name: str, array: NDArray[Any]) -> Path:
        """The array in a file: what a runner reads instead of preparing it itself."""
        height, width = self.size
        path = self.directory / f"{name}-{height}x{width}.npy"
        np.save(path, array)
        return path
