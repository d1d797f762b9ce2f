"""``itrt profile``: where the time of a run goes, operator by operator."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.table import Table

from itrt import load
from itrt.cli import console
from itrt.cli.output_files import check_directories
from itrt.cli.run import DEFAULT_MODEL
from itrt.errors import InvalidArgumentError
from itrt.files import write_atomically
from itrt.images import read_image
from itrt.profile import Profile

_HEIGHT, _WIDTH = 360, 480


def profile(
    model: Annotated[str, typer.Argument(help="A packaged model's name, or an .itrt file.")] = DEFAULT_MODEL,
    image: Annotated[Path | None, typer.Argument(metavar="[IMAGE]", help="[default: random pixels]")] = None,
    height: Annotated[
        int | None, typer.Option(min=1, help=f"Of the random image. [default: {_HEIGHT}]", show_default=False)
    ] = None,
    width: Annotated[
        int | None, typer.Option(min=1, help=f"Of the random image. [default: {_WIDTH}]", show_default=False)
    ] = None,
    iterations: Annotated[
        int | None, typer.Option("--iterations", "-k", min=1, help="How many. [default: as trained]")
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads. [default: as many as CPUs]")] = None,
    isa: Annotated[str | None, typer.Option(help="Instruction set, see itrt info. [default: the best]")] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Runs; medians are shown.")] = 20,
    json_file: Annotated[Path | None, typer.Option("--json", help="File to write the numbers to, too.")] = None,
) -> None:
    """Measure every operator of a model by itself, without fusion."""
    check_directories(json=json_file)
    pixels = _pixels(image, height, width)
    measured = load(model, threads=threads, isa=isa).profile(pixels, iterations, repeats)
    _print(measured)
    if json_file is not None:
        write_atomically(json_file, (json.dumps(asdict(measured), indent=2) + "\n").encode())
        typer.echo(f"wrote {json_file}")


def _pixels(image: Path | None, height: int | None, width: int | None) -> NDArray[np.uint8]:
    if image is None:
        size = (height or _HEIGHT, width or _WIDTH, 3)
        return np.random.default_rng(0).integers(0, 256, size, dtype=np.uint8)
    if height is not None or width is not None:
        raise InvalidArgumentError("--height, --width: expected without an image, whose size is its own, found both")
    return read_image(image)


def _print(profile: Profile) -> None:
    terminal = console.output()
    terminal.print(
        f"{profile.model} at {profile.height}x{profile.width}: {console.counted(profile.iterations, 'iteration')}, "
        f"{console.counted(profile.threads, 'thread')}, {profile.isa}; medians of {profile.repeats} runs, no fusion",
        markup=False,
        soft_wrap=True,
    )
    terminal.print()
    terminal.print(_table(profile))


def _table(profile: Profile) -> Table:
    columns = ("section", "operator", "kind", "output", "runs", "MAC", "ms", "GMAC/s", "share")
    table = console.table(*columns, numbers=columns[4:])

    def add(*names: str, executions: str, macs: int, milliseconds: float, style: str = "") -> None:
        rate = f"{macs / (milliseconds * 1e6):.1f}" if macs and milliseconds > 0 else ""
        share = f"{milliseconds / profile.milliseconds:.1%}"
        table.add_row(*names, executions, console.millions(macs), f"{milliseconds:.3f}", rate, share, style=style)

    section = ""
    for row in profile.totals():
        if section and row.section != section:
            table.add_section()
        section = row.section
        shape = "x".join(str(extent) for extent in row.shape)
        names = (row.section, row.operator, row.kind, shape)
        add(*names, executions=str(row.executions), macs=row.macs, milliseconds=row.milliseconds)
    table.add_section()
    convolutions = profile.convolution_milliseconds
    other = profile.milliseconds - convolutions
    add("convolution", "", "", "", executions="", macs=profile.macs, milliseconds=convolutions, style="bold")
    add("everything else", "", "", "", executions="", macs=0, milliseconds=other, style="bold")
    add("total", "", "", "", executions="", macs=profile.macs, milliseconds=profile.milliseconds, style="bold")
    return table
