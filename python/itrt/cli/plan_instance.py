"""``itrt plan --csv``: offsets for the buffers of a file."""

from __future__ import annotations

import time
from pathlib import Path

import typer

from itrt.cli import console
from itrt.cli.errors import fail
from itrt.cli.plan_network import DOES_NOT_FIT
from itrt.files import write_atomically
from itrt.planner.allocation import Allocation, allocate
from itrt.planner.instances import read_instance, write_instance
from itrt.planner.report import as_json
from itrt.text import binary_size, percent


def plan_instance(
    file: Path, capacity: int | None, time_limit: float | None, offsets: Path | None, json_file: Path | None
) -> None:
    """Solve, print, write; exit code 3 where no layout within the capacity was found."""
    instance = read_instance(file)
    begin = time.perf_counter()
    found = allocate(instance.rows, capacity, time_limit)
    seconds = time.perf_counter() - begin
    console.output().print(
        console.facts(
            [
                ("file", f"{file}: {console.counted(len(instance.rows), 'buffer')}"),
                ("capacity", "none" if capacity is None else _bytes(capacity)),
                ("peak", _bytes(found.peak)),
                ("lower bound", f"{_bytes(found.lower_bound)}; gap {percent(_gap(found))}"),
                ("proven", _verdict(found)),
                ("time", f"{seconds:.3f} s"),
            ]
        )
    )
    if offsets is not None:
        write_instance(offsets, instance, found.offsets)
        typer.echo(f"wrote {offsets}")
    if json_file is not None:
        write_atomically(json_file, as_json(_data(instance.names, found, capacity, seconds)))
        typer.echo(f"wrote {json_file}")
    if capacity is not None and not found.fits:
        known = "that is proven" if found.fits is False else "a smaller one may exist"
        raise fail(
            f"{file}: expected a layout within {capacity} bytes, found {found.peak} as the smallest (lower bound "
            f"{found.lower_bound}): {known}",
            DOES_NOT_FIT,
        )


def _bytes(count: int) -> str:
    return f"{count} bytes ({binary_size(count)})"


def _gap(found: Allocation) -> float:
    return found.peak / found.lower_bound - 1 if found.lower_bound else 0.0


def _verdict(found: Allocation) -> str:
    if found.proven:
        return "yes, no layout is lower"
    if found.fits:
        return "not needed: it fits"
    return "that nothing fits the capacity" if found.fits is False else "no"


def _data(names: tuple[str, ...], found: Allocation, capacity: int | None, seconds: float) -> dict[str, object]:
    return {
        "capacity_bytes": capacity,
        "peak_bytes": found.peak,
        "lower_bound_bytes": found.lower_bound,
        "proven": found.proven,
        "fits": found.fits,
        "seconds": seconds,
        "offsets": dict(zip(names, found.offsets.tolist(), strict=True)),
    }
