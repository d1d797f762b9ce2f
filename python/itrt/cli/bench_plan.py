"""``itrt bench plan``: the planner beside the allocators of other runtimes."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from itrt.cli import console
from itrt.cli.output_files import check_directories
from itrt.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from itrt.bench.allocators import Row


def bench_plan(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FILES]...", help="CSV files of id, lower, upper, size. [default: random instances]"),
    ] = None,
    shuffles: Annotated[int, typer.Option(min=0, help="Random orders of every file's rows, beside its own.")] = 0,
    time_limit: Annotated[float, typer.Option(min=0, help="Seconds for each of our allocations.")] = 10.0,
    seed: Annotated[int, typer.Option(min=0, help="Of random instances.")] = 0,
    json_file: Annotated[Path | None, typer.Option("--json", help="File to write all numbers to.")] = None,
) -> None:
    """Measure memory planning beside other allocators."""
    from itrt.bench.allocators import instances_of, measure, random_instances

    check_directories(json=json_file)
    instances = list(instances_of(files) if files else random_instances(seed))
    rows = []
    with console.progress() as progress:
        task = progress.add_task("instances", total=len(instances) * (1 + shuffles))
        for instance in instances:
            for shuffle in range(1 + shuffles):
                rows.append(measure(instance, shuffle, time_limit))
                progress.advance(task)
    console.output().print(_table(rows))
    console.output().print("\nPeaks of others as multiples of the lower bound; seconds of CPU.", markup=False)
    if json_file is not None:
        report = {"seed": seed, "time_limit": time_limit, "rows": [asdict(row) for row in rows]}
        write_atomically(json_file, (json.dumps(report, indent=2) + "\n").encode())
        typer.echo(f"wrote {json_file}")


def _table(rows: Sequence[Row]) -> Table:
    others = list(rows[0].others)
    numbers = ["buffers", "capacity", "s to it", "lower bound", "peak", "ratio", *others]
    table = console.table("instance", "shuffle", *numbers[:5], "proven", *numbers[5:], numbers=["shuffle", *numbers])
    for row in rows:
        reached = "-" if row.seconds_to_capacity is None else f"{row.seconds_to_capacity:.2f}"
        peaks = (row.peak, *row.others.values())
        table.add_row(
            row.instance,
            str(row.shuffle or "-"),
            str(row.buffers),
            "-" if row.capacity is None else str(row.capacity),
            reached,
            str(row.lower_bound),
            str(row.peak),
            "yes" if row.proven else "no",
            *(f"{peak / max(row.lower_bound, 1):.3f}" for peak in peaks),
        )
    return table
