"""Allocation instances as MiniMalloc's CSV files: a header, then one buffer a line: id, lower, upper, size."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from itrt.errors import InvalidArgumentError, MissingFileError
from itrt.files import write_atomically

COLUMNS = ("id", "lower", "upper", "size")


@dataclass(frozen=True)
class Instance:
    """Buffers and their names.

    Attributes
    ----------
    names
        One a buffer.
    rows
        (n, 3) int64: first step it lives, first step it does not, bytes.
    """

    names: tuple[str, ...]
    rows: npt.NDArray[np.int64]


def read_instance(path: Path | str) -> Instance:
    """Read a CSV file; further columns (MiniMalloc's solutions have an offset) are ignored.

    Raises
    ------
    MissingFileError, InvalidArgumentError
        The latter names the line.
    """
    file = Path(path)
    if not file.is_file():
        raise MissingFileError(f"{file}: expected a CSV file, found none")
    try:
        lines = csv.reader(io.StringIO(file.read_text(encoding="utf-8-sig")), strict=True)
        return _read(file, lines, next(lines, []))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidArgumentError(f"{file}: expected a CSV file, found something else: {error}") from error


def _read(file: Path, lines: Iterable[list[str]], header: list[str]) -> Instance:
    titles = [title.strip() for title in header]
    missing = [column for column in COLUMNS if column not in titles]
    if missing:
        raise InvalidArgumentError(f"{file}, line 1: expected columns {', '.join(COLUMNS)}, found {', '.join(titles)}")
    places = [titles.index(column) for column in COLUMNS]
    names: list[str] = []
    rows: list[list[int]] = []
    for number, line in enumerate(lines, start=2):
        if not line:
            continue
        if len(line) != len(titles):
            raise InvalidArgumentError(f"{file}, line {number}: expected {len(titles)} columns, found {len(line)}")
        name, *values = (line[place].strip() for place in places)
        names.append(name)
        rows.append([_integer(file, number, *pair) for pair in zip(COLUMNS[1:], values, strict=True)])
    return Instance(tuple(names), np.array(rows, np.int64).reshape(-1, 3))


def _integer(file: Path, line: int, column: str, text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = -1
    if not 0 <= value < 2**62:
        raise InvalidArgumentError(
            f"{file}, line {line}: {column}: expected an integer of 0 .. 2^62 - 1, found '{text}'"
        )
    return value


def write_instance(path: Path | str, instance: Instance, offsets: npt.NDArray[np.int64] | None = None) -> None:
    """Write a CSV file that `read_instance` reads; offsets (n,) are a further column, as in MiniMalloc's solutions."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    rows = instance.rows if offsets is None else np.column_stack((instance.rows, offsets))
    writer.writerow(COLUMNS if offsets is None else (*COLUMNS, "offset"))
    writer.writerows([name, *row] for name, row in zip(instance.names, rows.tolist(), strict=True))
    write_atomically(Path(path), text.getvalue().encode())
