"""``itrt bench kernels``: every kernel on every shape, verified, beside the machine's peak and other libraries."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from itrt.cli import console
from itrt.cli.output_files import check_directories
from itrt.errors import InvalidArgumentError
from itrt.files import write_atomically

if TYPE_CHECKING:
    from rich.table import Table

    from itrt.bench.environment import Environment
    from itrt.bench.kernel_peers import PeerRow
    from itrt.bench.kernel_timing import Row
    from itrt.bench.oracles import Oracle
    from itrt.bench.shapes import Shape

_NOTE = (
    "Times are medians of calls that run back to back. Peak: the fastest multiply-accumulate loop on as many threads, "
    "measured between them. GB/s counts inputs, weights and outputs once."
)


def bench_kernels(
    isa: Annotated[list[str] | None, typer.Option(help="Instruction set; may be repeated. [default: all]")] = None,
    threads: Annotated[list[int] | None, typer.Option(min=1, help="May be repeated. [default: 1]")] = None,
    only: Annotated[str, typer.Option(help="Shapes whose name contains this; * and ? are wildcards.")] = "",
    random: Annotated[int, typer.Option(min=0, help="Shapes drawn at random, instead of the table's.")] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Of random shapes and of all arrays.")] = 0,
    seconds: Annotated[float, typer.Option(min=0, help="Of timing a row, about.")] = 0.2,
    peers: Annotated[
        bool, typer.Option("--peers", help="Compare with the other libraries that are installed.")
    ] = False,
    reference: Annotated[
        Path | None, typer.Option(help="tests/reference of the repository. [default: the portable kernels verify]")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="File to write all numbers to.")] = None,
    plot: Annotated[Path | None, typer.Option(help="PNG of the roofline to write.")] = None,
) -> None:
    """Verify and time single kernels."""
    from itrt.bench import roofline
    from itrt.bench.environment import environment
    from itrt.bench.kernel_timing import measure_shapes
    from itrt.bench.limits import copy_bandwidth

    check_directories(json=json_file, plot=plot)
    if plot is not None:
        roofline.require()
    isas, counts = _isas(isa or []), sorted(set(threads or [1]))
    shapes, oracle = _shapes(only, random, seed), _oracle(reference)
    with console.progress() as progress:
        task = progress.add_task("kernels", total=len(shapes) * len(isas) * len(counts))
        rows = measure_shapes(
            shapes, isas, counts, oracle, seed=seed, seconds=seconds, done=lambda _: progress.advance(task)
        )
    bandwidths = {count: copy_bandwidth(count) for count in counts}
    machine = environment(["itrt", "numpy"])
    terminal = console.output()
    terminal.print(_title(machine), markup=False, soft_wrap=True)
    if random:
        terminal.print(f"random shapes of seed {seed}", markup=False)
    terminal.print()
    for table in _tables(rows):
        terminal.print(table)
        terminal.print()
    terminal.print(_footer(bandwidths), markup=False, soft_wrap=True)
    report = {
        "environment": asdict(machine),
        "seed": seed,
        "copy_bytes_a_second": {str(count): bandwidth for count, bandwidth in bandwidths.items()},
        "rows": [row.as_json() for row in rows],
    }
    if peers:
        report["peers"] = [row.as_json() for row in _compare(shapes, isas, counts, seed)]
    if json_file is not None:
        write_atomically(json_file, (json.dumps(report, indent=2) + "\n").encode())
        typer.echo(f"wrote {json_file}")
    if plot is not None:
        roofline.write_roofline(rows, bandwidths, _title(machine), plot)
        typer.echo(f"wrote {plot}")


def _isas(asked: Sequence[str]) -> list[str]:
    """The names asked for, each once, or all that this CPU has; best first."""
    from itrt import kernels

    available = list(dict.fromkeys(row["isa"] for row in kernels.list()))
    for name in asked:
        if name not in available:
            raise InvalidArgumentError(f"--isa: expected one of {', '.join(available)}, found '{name}'")
    return [name for name in available if not asked or name in asked]


def _shapes(only: str, random: int, seed: int) -> list[Shape]:
    from itrt.bench.shapes import TABLE, matching, random_shapes

    candidates = random_shapes(random, seed) if random else TABLE
    chosen = matching(candidates, only)
    if not chosen:
        names = "; ".join(shape.name for shape in candidates)
        raise InvalidArgumentError(f"--only: expected a part of a shape's name ({names}), found '{only}'")
    return chosen


def _oracle(reference: Path | None) -> Oracle:
    from itrt.bench.oracles import NaiveOracle, PortableOracle

    return PortableOracle() if reference is None else NaiveOracle(reference)


def _title(machine: Environment) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in machine.versions.items())
    return f"{machine.cpu}, {console.counted(machine.cpus, 'CPU')}; {versions}, {machine.compiler}"


def _footer(bandwidths: dict[int, float]) -> str:
    copies = ", ".join(
        f"{bandwidth / 1e9:.1f} GB/s with {console.counted(count, 'thread')}" for count, bandwidth in bandwidths.items()
    )
    return f"{_NOTE} A copy in memory: {copies}."


def _tables(rows: Sequence[Row]) -> list[Table]:
    """Convolutions and the rest: they have different units."""
    convolutions = [row for row in rows if row.shape.macs]
    others = [row for row in rows if not row.shape.macs]
    return [_table(group, unit) for group, unit in ((convolutions, "GMAC/s"), (others, "GB/s")) if group]


def _table(rows: Sequence[Row], unit: str) -> Table:
    is_convolution = unit == "GMAC/s"
    limits = ["peak", "% of peak", "best %"] if is_convolution else []
    numbers = ["threads", "us", "best us", unit, *limits]
    columns = ("shape", "ISA", "threads", "kernel", "us", "best us", unit, *limits, "verified by")
    table = console.table(*columns, numbers=numbers)
    for row in rows:
        work = row.shape.macs if is_convolution else row.shape.bytes
        speed = [f"{row.seconds * 1e6:.1f}", f"{row.best_seconds * 1e6:.1f}", f"{work / row.seconds / 1e9:.1f}"]
        shares = [_number(row.peak, 1e-9), _number(row.share, 100), _number(row.best_share, 100)][: len(limits)]
        name = row.shape.name
        table.add_row(name, row.isa, str(row.threads), row.kernel, *speed, *shares, row.verified_by or "-")
    return table


def _number(value: float | None, factor: float) -> str:
    return "-" if value is None else f"{value * factor:.1f}"


def _compare(shapes: Sequence[Shape], isas: Sequence[str], threads: Sequence[int], seed: int) -> list[PeerRow]:
    from itrt.bench.kernel_peers import compare_with_peers

    with console.progress() as progress:
        task = progress.add_task("peers", total=len(shapes) * len(isas) * len(threads))
        rows = compare_with_peers(shapes, isas, threads, seed, done=lambda: progress.advance(task))
    numbers = ["threads", "us", "best us", "ratio", "equal %", "largest difference"]
    table = console.table(
        "shape", "ISA", "threads", "library", *numbers[1:], numbers=numbers, title="beside other libraries"
    )
    for row in rows:
        if not row.failure:
            table.add_row(row.shape.name, row.isa, str(row.threads), row.library, *_peer_cells(row))
    terminal = console.output()
    terminal.print(table)
    terminal.print("\nEach library in a process of its own, in turns; ratio to itrt. Equal: bytes of the output.")
    for row in rows:
        if row.failure:
            place = f"{row.shape.name}, {row.isa}, {console.counted(row.threads, 'thread')}"
            terminal.print(f"{row.library}: {place}: {row.failure}", markup=False, soft_wrap=True)
    return rows


def _peer_cells(row: PeerRow) -> list[str]:
    times = [f"{row.seconds * 1e6:.1f}", f"{row.best_seconds * 1e6:.1f}", f"{row.ratio:.2f}"]
    return [*times, f"{100 * row.equal:.2f}", str(row.largest_difference)]
