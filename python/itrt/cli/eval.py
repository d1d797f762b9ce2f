"""``itrt eval``: mean IoU, IoU per class and time of every iteration on a data set with labels."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from itrt import load
from itrt.cli import console
from itrt.cli.output_files import check_directories
from itrt.cli.run import DEFAULT_MODEL
from itrt.errors import InvalidArgumentError
from itrt.files import write_atomically

if TYPE_CHECKING:
    from itrt.cli.evaluation import Evaluation


def evaluate(
    data: Annotated[Path, typer.Option(help="CamVid in the SegNet layout (val.txt, val/, valannot/).")],
    model: Annotated[str, typer.Argument(help="A packaged model's name, or an .itrt file.")] = DEFAULT_MODEL,
    split: Annotated[str, typer.Option(help="train, val or test: which list of the data set.")] = "val",
    iterations: Annotated[
        int | None, typer.Option("--iterations", "-k", min=1, help="How many. [default: as trained]")
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads. [default: as many as CPUs]")] = None,
    isa: Annotated[str | None, typer.Option(help="Instruction set, see itrt info. [default: the best]")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="File to write the numbers to, too.")] = None,
) -> None:
    """Measure a model on CamVid."""
    from itrt.cli.evaluation import evaluate as measure
    from itrt.train.camvid import CLASS_NAMES, IGNORE_INDEX, load_split

    check_directories(json=json_file)
    loaded = load(model, threads=threads, isa=isa)
    if len(loaded.classes) != len(CLASS_NAMES):
        raise InvalidArgumentError(
            f"model {loaded.name}: expected the {len(CLASS_NAMES)} classes of CamVid, found {len(loaded.classes)}"
        )
    images = load_split(data, split)
    with console.progress() as progress:
        task = progress.add_task(f"{split} images", total=len(images))
        evaluation = measure(loaded, images, IGNORE_INDEX, iterations, lambda: progress.advance(task))
    _print(evaluation, split)
    if json_file is not None:
        text = json.dumps({"split": split, **asdict(evaluation)}, indent=2)
        write_atomically(json_file, (text + "\n").encode())
        typer.echo(f"wrote {json_file}")


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
