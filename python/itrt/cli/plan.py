"""``itrt plan``: does a network fit an accelerator, how, and what does it cost."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from itrt.cli.output_files import check_directories
from itrt.cli.plan_comparison import compare_networks
from itrt.cli.plan_instance import plan_instance
from itrt.cli.plan_network import Outputs, Request, plan_network
from itrt.cli.plan_tables import print_targets
from itrt.cli.size import parse_bytes, parse_size
from itrt.errors import InvalidArgumentError


def plan(
    models: Annotated[
        list[str] | None,
        typer.Argument(metavar="[MODEL]...", help="A packaged model's name, or an .itrt file; several with --compare."),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option("--target", "-t", help="A preset (--targets), a TOML file, or vela:FILE:SYSTEM:MODE."),
    ] = None,
    sram: Annotated[str | None, typer.Option(help="Size of the arena, such as 256KiB. [default: the target's]")] = None,
    size: Annotated[str, typer.Option(help="Height and width of the image.")] = "360x480",
    iterations: Annotated[
        int | None, typer.Option("--iterations", "-k", min=1, help="How many. [default: as trained]")
    ] = None,
    answers: Annotated[int, typer.Option(min=1, help="How many of the last iterations have an answer.")] = 1,
    objective: Annotated[str, typer.Option(help="What is to be small: time, or traffic with the far memory.")] = "time",
    sweep: Annotated[
        bool, typer.Option("--sweep", help="Plan for other sizes of the arena, too; takes minutes.")
    ] = False,
    report: Annotated[Path | None, typer.Option(help="HTML page to write.")] = None,
    plot: Annotated[Path | None, typer.Option(help="PNG to write.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="File to write all numbers to.")] = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="Networks side by side, with or without --target.")
    ] = False,
    targets: Annotated[
        bool, typer.Option("--targets", help="List the presets, and who published their figures.")
    ] = False,
    csv: Annotated[
        Path | None, typer.Option(help="Lay out the buffers of a file instead: id, lower, upper, size.")
    ] = None,
    capacity: Annotated[str | None, typer.Option(help="With --csv: bytes that suffice. [default: the fewest]")] = None,
    time_limit: Annotated[float | None, typer.Option(min=0, help="With --csv: seconds for the search.")] = None,
    offsets: Annotated[Path | None, typer.Option(help="With --csv: CSV file to write the offsets to.")] = None,
) -> None:
    """Plan a network's memory on an accelerator. Exit code 3: it does not fit."""
    check_directories(report=report, plot=plot, json=json_file, offsets=offsets)
    names = models or []
    if targets:
        print_targets()
        return
    if csv is not None:
        if names or target is not None:
            raise InvalidArgumentError("--csv: expected neither a model nor --target, found one")
        limit = None if capacity is None else parse_bytes("--capacity", capacity)
        plan_instance(csv, limit, time_limit, offsets, json_file)
        return
    if (capacity, time_limit, offsets) != (None, None, None):
        raise InvalidArgumentError("--capacity, --time-limit, --offsets: expected with --csv, found without it")
    if objective not in ("time", "traffic"):
        raise InvalidArgumentError(f"--objective: expected time or traffic, found {objective!r}")
    request = Request(
        target=target,
        size=parse_size(size),
        sram=None if sram is None else parse_bytes("--sram", sram),
        iterations=iterations,
        answers=answers,
        objective="traffic" if objective == "traffic" else "time",
    )
    if compare:
        if sweep or report is not None or plot is not None:
            raise InvalidArgumentError("--compare: expected without --sweep, --report and --plot, found one of them")
        compare_networks(names, request, json_file)
        return
    if len(names) != 1:
        raise InvalidArgumentError(f"plan: expected one model (several with --compare), found {len(names)}")
    plan_network(names[0], request, Outputs(sweep, report, plot, json_file))
