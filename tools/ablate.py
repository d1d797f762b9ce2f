#!/usr/bin/env python3
"""Ablations: small trainings that differ in one choice, and what they say, as tables and pictures of docs/results.md.

A run that was interrupted goes on, one that is finished is not repeated: start the same command again, and as often at
the same time as there are cores:

    tools/ablate.py run weights batch-norm --data camvid --directory work
    tools/ablate.py report
"""

from itertools import product
from pathlib import Path
from typing import Annotated

import torch
import typer

from ablations.comparison import Comparison
from ablations.document import replace_section, section
from ablations.images import load_series_data
from ablations.picture import draw
from ablations.results import Result, read_results
from ablations.runs import Series
from ablations.variants import ABLATIONS, Budget, chosen
from itrt.cli import console
from itrt.cli.dataset import DATA_HELP, DATASET_HELP
from itrt.cli.errors import report_errors
from itrt.train import EpochReport, StepReport

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "training" / "ablations"
DOCUMENT = ROOT / "docs" / "results.md"
PICTURES = ROOT / "docs" / "images"
SEEDS = (0, 1, 2)
DEFAULT = Budget()

Names = Annotated[list[str] | None, typer.Argument(help=f"{', '.join(a.name for a in ABLATIONS)}. [default: all]")]
Seeds = Annotated[list[int] | None, typer.Option("--seed", min=0, help="Repeatable. [default: 0 1 2]")]
Results = Annotated[Path, typer.Option(help="Directory of the results, a JSON file a run.")]


def run(
    data: Annotated[str, typer.Option(help=DATA_HELP)],
    directory: Annotated[Path, typer.Option(help="Directory of the checkpoints.")],
    names: Names = None,
    dataset: Annotated[str | None, typer.Option(help=DATASET_HELP)] = None,
    leave_out: Annotated[
        list[str] | None, typer.Option(help="A video to measure on; repeatable. [default: 0001TP]")
    ] = None,
    seed: Seeds = None,
    results: Results = RESULTS,
    epochs: Annotated[int, typer.Option(min=1, help="Of every run.")] = DEFAULT.epochs,
    crop: Annotated[tuple[int, int], typer.Option(help="Height and width of a sample, in pixels.")] = DEFAULT.crop,
    channels: Annotated[
        tuple[int, int, int], typer.Option(help="Of the base, at 1/4, 1/8 and 1/16.")
    ] = DEFAULT.channels,
    reduction: Annotated[int, typer.Option(min=1, help="By what images are reduced.")] = DEFAULT.reduction,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads.")] = 1,
) -> None:
    """Train and measure what is missing: every seed's variants before the next seed's."""
    ablations = chosen(names)
    torch.set_num_threads(threads)
    images = load_series_data(data, dataset, leave_out or ["0001TP"], reduction)
    series = Series(Budget(epochs, crop, channels, reduction), images, directory, results)
    variants = {variant.name: variant for ablation in ablations for variant in ablation.variants.values()}
    elsewhere = []
    for number, variant in product(seed or SEEDS, variants.values()):
        with _Display(f"{variant.name}, seed {number}", epochs) as display:
            result = series.execute(series.request(variant, number), display.update)
        if result is None:
            elsewhere.append(f"{variant.name}, seed {number}")
        else:
            console.output().print(_line(result))
    if elsewhere:
        console.output().print(f"in another process: {'; '.join(elsewhere)}")


def report(
    names: Names = None,
    seed: Seeds = None,
    results: Results = RESULTS,
    document: Annotated[Path, typer.Option(help="Markdown file whose ablations are replaced.")] = DOCUMENT,
    pictures: Annotated[Path, typer.Option(help="Directory of the PNG files.")] = PICTURES,
) -> None:
    """Write tables and pictures of what has been run; what is missing is named."""
    comparisons = [Comparison(ablation, seed or SEEDS, read_results(results)) for ablation in chosen(names)]
    for comparison in comparisons:
        if comparison.results:
            draw(comparison, pictures / f"ablation-{comparison.ablation.name}.png")
    replace_section(document, section(comparisons, results, pictures, document.parent))
    console.output().print(f"wrote {document}")


class _Display:
    """A bar of a run's epochs."""

    def __init__(self, title: str, epochs: int) -> None:
        self.bars = console.progress()
        self.task = self.bars.add_task(title, total=epochs)

    def __enter__(self) -> "_Display":
        self.bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bars.stop()

    def update(self, report: StepReport | EpochReport) -> None:
        if isinstance(report, EpochReport):
            self.bars.update(self.task, completed=report.epoch)


def _line(result: Result) -> str:
    request = result.request
    values = " ".join(f"{100 * value:.1f}" for value in result.mean_iou)
    return f"{request.variant}, seed {request.seed}: mean IoU {values} %, {result.cpu_seconds:.0f} s of CPU time"


app = typer.Typer(
    help=__doc__,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(report_errors(run))
app.command("report")(report_errors(report))

if __name__ == "__main__":
    app()
