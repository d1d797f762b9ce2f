"""``itrt eval``: mean IoU, IoU per class and time of every iteration on a data set with labels."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from itrt import load
from itrt.cli import console
from itrt.cli.dataset import DATA_HELP, DATASET_HELP, check_classes
from itrt.cli.output_files import check_directories
from itrt.cli.run import DEFAULT_MODEL
from itrt.files import write_atomically

if TYPE_CHECKING:
    from itrt.cli.evaluation import Evaluation


def evaluate(
    data: Annotated[str, typer.Option(help=DATA_HELP)],
    model: Annotated[str, typer.Argument(help="A packaged model's name, or an .itrt file.")] = DEFAULT_MODEL,
    dataset: Annotated[str | None, typer.Option(help=DATASET_HELP)] = None,
    split: Annotated[str, typer.Option(help="train, val or another split of the data set.")] = "val",
    iterations: Annotated[
        int | None, typer.Option("--iterations", "-k", min=1, help="How many. [default: as trained]")
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads. [default: as many as CPUs]")] = None,
    isa: Annotated[str | None, typer.Option(help="Instruction set, see itrt info. [default: the best]")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="File to write the numbers to, too.")] = None,
    report: Annotated[
        Path | None, typer.Option(help="HTML page to write: tables, plots, confusion matrix, worst images.")
    ] = None,
    worst: Annotated[int, typer.Option(min=0, help="Images to show in the report.")] = 6,
) -> None:
    """Measure a model on a data set with labels."""
    from itrt.cli.evaluation import evaluate as measure
    from itrt.train.data import open_source

    check_directories(json=json_file, report=report)
    if report is not None:
        from itrt.cli.report import Page  # early: a missing package is told before the work
    loaded = load(model, threads=threads, isa=isa)
    source = open_source(data, dataset)
    check_classes(loaded, source)
    images = source.split(split)
    with console.progress() as progress:
        task = progress.add_task(f"{split} images", total=len(images))
        evaluation = measure(loaded, images, source.ignore_index, iterations, lambda: progress.advance(task))
    _print(evaluation, split)
    if json_file is not None:
        text = json.dumps({"split": split, **asdict(evaluation)}, indent=2)
        write_atomically(json_file, (text + "\n").encode())
        typer.echo(f"wrote {json_file}")
    if report is not None:
        page = Page(loaded, evaluation, f"{source.title}, {split}", images, source.ignore_index, worst)
        write_atomically(report, page.render().encode())
        typer.echo(f"wrote {report}")


def _print(evaluation: Evaluation, split: str) -> None:
    names = [str(score.iteration) for score in evaluation.scores]
    table = console.table("iteration", *names, numbers=names)
    for index, name in enumerate(evaluation.classes):
        table.add_row(name, *(_percent(score.iou[index]) for score in evaluation.scores))
    table.add_section()
    table.add_row("mean IoU", *(_percent(score.mean_iou) for score in evaluation.scores), style="bold")
    table.add_section()
    table.add_row("ms to the answer", *(f"{score.milliseconds:.2f}" for score in evaluation.scores))
    table.add_row("ms of the block", *(f"{score.block_milliseconds:.2f}" for score in evaluation.scores))
    terminal = console.output()
    terminal.print(
        f"{evaluation.model}: IoU in %, {console.counted(evaluation.images, 'image')} of {split}, "
        f"{console.counted(evaluation.threads, 'thread')}, {evaluation.isa}",
        markup=False,
        soft_wrap=True,
    )
    terminal.print()
    terminal.print(table)
    terminal.print("\nTimes are medians; the first block includes the stem.")


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.2f}"
