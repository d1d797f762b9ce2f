"""``itrt convert``: a checkpoint becomes an .itrt file, with a table of how close it is to float; no logic."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from itrt.cli.console import output as console_output
from itrt.cli.console import progress, table
from itrt.cli.dataset import DATASET_HELP
from itrt.errors import InvalidArgumentError, MissingDependencyError, MissingFileError
from itrt.images import images_in

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from itrt.converter import ParityReport

Pixels = NDArray[np.uint8]

_OBSERVERS = ("minmax", "percentile", "mse")


def convert(
    checkpoint: Annotated[Path, typer.Argument(help="A checkpoint or network.pt of itrt train.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The .itrt file to write.")],
    calibrate: Annotated[
        str, typer.Option(help="Directory of images, or a data set as in itrt train (its train images and labels).")
    ],
    dataset: Annotated[str | None, typer.Option(help=DATASET_HELP)] = None,
    images: Annotated[int, typer.Option(min=1, help="Calibration images to take.")] = 64,
    observer: Annotated[str, typer.Option(help=f"{', '.join(_OBSERVERS)}. [default: the converter's]")] = "",
    parity_images: Annotated[int, typer.Option(min=0, help="Images of the parity report; 0: none.")] = 8,
    name: Annotated[str | None, typer.Option(help="The model's name. [default: the file's]")] = None,
) -> None:
    """Convert a checkpoint to int8 and report how close the result is to float."""
    try:
        from itrt.converter import DEFAULT_OBSERVER, convert_checkpoint
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"itrt convert needs {error.name}: pip install 'itrt[convert]' (README: how to choose torch's CPU build)"
        ) from error
    _check(checkpoint, output, observer)
    samples, labels = _calibration(calibrate, dataset, images)
    with progress() as bars:
        conversion = convert_checkpoint(
            checkpoint,
            output,
            calibration=samples,
            observer=observer or DEFAULT_OBSERVER,  # type: ignore[arg-type]  # checked above
            labels=labels,
            name=name,
            parity_images=parity_images,
            progress=_Stages(bars).update,
        )
    if conversion.parity is not None:
        _print_parity(conversion.parity)
    console_output().print(f"{conversion.path}: {conversion.path.stat().st_size} bytes")


def _check(checkpoint: Path, output: Path, observer: str) -> None:
    from itrt.converter.arguments import check_target

    if not checkpoint.is_file():
        raise MissingFileError(f"checkpoint: expected a file, found none at {checkpoint}")
    check_target(output)
    if observer and observer not in _OBSERVERS:
        raise InvalidArgumentError(f"--observer: expected one of {', '.join(_OBSERVERS)}, found {observer}")


def _calibration(calibrate: str, dataset: str | None, count: int) -> tuple[Iterable[Pixels], Iterable[Pixels] | None]:
    """Return the images to calibrate with and, of a data set, their labels."""
    from itrt.converter.calibration_set import ImageFiles, choose
    from itrt.train.data import SYNTHETIC, open_source, recognized

    if dataset is None and calibrate != SYNTHETIC and not recognized(Path(calibrate)):
        return ImageFiles(choose(images_in(Path(calibrate), "calibration"), count)), None
    images = open_source(calibrate, dataset).split("train", stored=True)
    chosen = images.take(choose(range(len(images)), count))
    return chosen.images, chosen.labels


def _print_parity(report: ParityReport) -> None:
    console = console_output()
    steps = sorted({row.step for row in report.tensors if row.step is not None})
    headings = ["stem", *(str(step + 1) for step in steps)]
    ratios = table(
        "tensor", *headings, numbers=headings, title="signal to noise, dB, after the stem and in each iteration"
    )
    cells = {(row.tensor, row.step): f"{row.snr_db:.1f}" for row in report.tensors}
    for tensor in dict.fromkeys(row.tensor for row in report.tensors):
        ratios.add_row(tensor, *(cells.get((tensor, step), "") for step in (None, *steps)))
    headings = ["iteration", "equal labels", "float mIoU", "int8 mIoU"]
    labels = table(*headings, numbers=headings, title=f"labels, {report.images} calibration images")
    for row in report.iterations:
        labels.add_row(f"{row.iteration}", f"{row.equal_labels:.4f}", _number(row.float_miou), _number(row.int8_miou))
    console.print(ratios)
    console.print(labels)
    for note in report.notes:
        console.print(f"note: {note}")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


class _Stages:
    """A bar for each stage of the conversion."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def update(self, stage: str, done: int, total: int | None) -> None:
        """Show how far a stage is."""
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(stage, total=total)
        self._bars.update(self._tasks[stage], completed=done, total=total)
