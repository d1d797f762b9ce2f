"""``itrt curve``: mean IoU against milliseconds and multiply-accumulates, however runs end."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from itrt import load
from itrt.arguments import check_positive
from itrt.cli import console
from itrt.cli.dataset import DATA_HELP, DATASET_HELP, check_classes
from itrt.cli.output_files import check_directories
from itrt.cli.run import DEFAULT_MODEL
from itrt.errors import InvalidArgumentError
from itrt.files import write_atomically
from itrt.images import check_png_path

if TYPE_CHECKING:
    from itrt.cli.curve_points import Point

_SLACK = 1.1  # a default deadline over the time that so many iterations take


def curve(
    data: Annotated[str, typer.Option(help=DATA_HELP)],
    model: Annotated[str, typer.Argument(help="A packaged model's name, or an .itrt file.")] = DEFAULT_MODEL,
    dataset: Annotated[str | None, typer.Option(help=DATASET_HELP)] = None,
    split: Annotated[str, typer.Option(help="train, val or another split of the data set.")] = "val",
    iterations: Annotated[
        int | None, typer.Option("--iterations", "-k", min=1, help="The most. [default: as trained]")
    ] = None,
    deadline: Annotated[
        list[float] | None,
        typer.Option(help="Milliseconds; may be repeated. [default: a tenth more than each iteration's answer takes]"),
    ] = None,
    stable: Annotated[
        list[float] | None,
        typer.Option(help="Stop when this share of the labels stays, such as 0.995; may be repeated."),
    ] = None,
    warm: Annotated[
        list[float] | None,
        typer.Option(
            help="The images are a video: warm starts with this share of the last state, such as 0.25, at every step; "
            "may be repeated."
        ),
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads. [default: as many as CPUs]")] = None,
    isa: Annotated[str | None, typer.Option(help="Instruction set, see itrt info. [default: the best]")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="PNG of the curve to write.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="File to write the numbers to, too.")] = None,
) -> None:
    """Measure what answers are worth and cost: after every iteration, with deadlines, with rules."""
    from itrt.cli.curve_plot import require, write_curve
    from itrt.cli.curve_points import Curve
    from itrt.format import read
    from itrt.loading import read_model
    from itrt.train.data import open_source

    check_directories(json=json_file)
    if output is not None:
        check_png_path(output)
        require()
    deadlines = [check_positive("--deadline", value) for value in deadline or []]
    shares = [check_positive("--stable", value, 1) for value in stable or []]
    warmths = [check_positive("--warm", value, 1) for value in warm or []]
    loaded = load(model, threads=threads, isa=isa)
    count = loaded.check_iterations(iterations)
    source = open_source(data, dataset)
    check_classes(loaded, source)
    images = source.split(split)
    starts = [(share, step) for share in warmths for step in range(loaded.max_iterations or 1)]
    ways = count + (len(deadlines) or count) + len(shares) + len(starts) * count
    with console.progress() as progress:
        task = progress.add_task(f"{split} images", total=ways * len(images))
        measured = Curve(
            loaded, read(read_model(model)[0]), images, source.ignore_index, lambda: progress.advance(task)
        )
        points = [measured.iterations(number) for number in range(1, count + 1)]
        for milliseconds in deadlines or sorted(_with_slack(point) for point in points):
            points.append(measured.deadline(milliseconds, count))
        points += [measured.stable(share, count) for share in shares]
        points += [measured.warm(number, *start) for start in starts for number in range(1, count + 1)]
    title = (
        f"{loaded.name}, {source.title}, {console.counted(len(images), 'image')} of {split}, "
        f"{console.counted(loaded.threads, 'thread')}, {loaded.isa}"
    )
    _print(points, title)
    if json_file is not None:
        facts = {"model": loaded.name, "split": split, "threads": loaded.threads, "isa": loaded.isa}
        document = {**facts, "points": [asdict(point) for point in points]}
        write_atomically(json_file, (json.dumps(document, indent=2) + "\n").encode())
        typer.echo(f"wrote {json_file}")
    if output is not None:
        write_curve(points, title, output)
        typer.echo(f"wrote {output}")


def _with_slack(point: Point) -> float:
    if point.milliseconds is None:
        raise InvalidArgumentError("--deadline: expected milliseconds, found none and no run to derive them from")
    return max(round(_SLACK * point.milliseconds, 1), 0.1)


def _print(points: Sequence[Point], title: str) -> None:
    columns = ("ends", "mean IoU, %", "iterations", "GMAC", "ms", "without answer", "late")
    table = console.table(*columns, numbers=columns[1:])
    kind = ""
    for point in points:
        if kind and point.kind != kind:
            table.add_section()
        kind = point.kind
        deadline = kind == "deadline"
        table.add_row(
            _way(point),
            _number(point.mean_iou, 100, 2),
            _number(point.iterations, 1, 2),
            _number(point.macs, 1e-9, 2),
            _number(point.milliseconds, 1, 2),
            str(point.missed) if deadline else "",
            str(point.late) if deadline else "",
        )
    terminal = console.output()
    terminal.print(title, markup=False, soft_wrap=True)
    terminal.print()
    terminal.print(table)
    terminal.print(
        "\nMilliseconds are medians from image to labels; iterations and GMAC are means of an image.", soft_wrap=True
    )


def _way(point: Point) -> str:
    count = console.counted(int(point.setting), "iteration")
    match point.kind:
        case "iterations":
            return f"after {count}"
        case "deadline":
            return f"deadline of {point.setting:g} ms"
        case "stable":
            return f"{point.setting:g} of the labels stable"
        case _:
            return f"warm, share {point.share:g}, step {point.first_step}, {count}"


def _number(value: float | None, factor: float, digits: int) -> str:
    return "-" if value is None else f"{factor * value:.{digits}f}"
