"""``itrt convert``: a network becomes an .itrt file, with a table of how close it is to float; no logic."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from itrt.cli.calibration import CALIBRATION_IMAGES, CalibrationData, calibration_data
from itrt.cli.console import output as console_output
from itrt.cli.console import progress
from itrt.cli.dataset import DATASET_HELP
from itrt.cli.network_source import Channels, Checkpoint, Factory, IgnoreKeys, NetworkSource, Trained
from itrt.cli.output_files import check_directories
from itrt.cli.parity import print_parity
from itrt.errors import InvalidArgumentError, MissingDependencyError
from itrt.files import check_target, write_atomically
from itrt.quantize import REQUANTIZATIONS

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_OBSERVERS = ("minmax", "percentile", "mse")
_CHOICES = ("auto", "on", "off")


def convert(
    output: Annotated[Path, typer.Option("--output", "-o", help="The .itrt file to write.")],
    calibrate: Annotated[
        str | None,
        typer.Option(
            help="Directory of images, or a data set as in itrt train (its train images and labels). "
            "A CHECKPOINT of itrt train --quantized needs none."
        ),
    ] = None,
    trained: Trained = None,
    factory: Factory = None,
    checkpoint: Checkpoint = None,
    ignore_keys: IgnoreKeys = None,
    classes: Annotated[
        str | None, typer.Option(help="Names with commas between, or a number. [default: the data set's, or numbers]")
    ] = None,
    mean: Annotated[Channels | None, typer.Option(help="Of the network's input, 0..1, R G B. [default: 0 0 0]")] = None,
    std: Annotated[Channels | None, typer.Option(help="Of the network's input, 0..1, R G B. [default: 1 1 1]")] = None,
    dataset: Annotated[str | None, typer.Option(help=DATASET_HELP)] = None,
    images: Annotated[int, typer.Option(min=1, help="Calibration images to take.")] = CALIBRATION_IMAGES,
    observer: Annotated[str, typer.Option(help=f"{', '.join(_OBSERVERS)}. [default: the converter's]")] = "",
    equalize: Annotated[str, typer.Option(help=f"Rescale channels: {', '.join(_CHOICES)}.")] = "auto",
    correct_bias: Annotated[
        str, typer.Option(help=f"Make up for what rounded weights do to means: {', '.join(_CHOICES)}.")
    ] = "auto",
    requantize: Annotated[
        str, typer.Option(help=f"{', '.join(REQUANTIZATIONS)}: by a scale, by 15 bits and a shift, by a shift alone.")
    ] = "float",
    parity_images: Annotated[int, typer.Option(min=0, help="Images of the parity report; 0: none.")] = 8,
    name: Annotated[str | None, typer.Option(help="The model's name. [default: the file's]")] = None,
    report: Annotated[
        Path | None,
        typer.Option(help="HTML page to write: every layer and iteration, the worst, changed labels."),
    ] = None,
) -> None:
    """Convert a network to int8 and report how close the result is to float.

    The network is that of a CHECKPOINT of itrt train, or what --model makes, with the weights of --checkpoint. "auto"
    quantizes both ways and keeps what is closer to float on the images of the parity report.
    """
    try:
        from itrt.converter import DEFAULT_OBSERVER, examine
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"itrt convert needs {error.name}: pip install 'itrt[convert]' (README: how to choose torch's CPU build)"
        ) from error
    check_directories(report=report)
    if report is not None:
        from itrt.cli.report import conversion_page  # early: a missing package is told before the work

        if parity_images == 0:
            raise InvalidArgumentError("--report: expected with --parity-images of at least 1, found 0")
        if calibrate is None:
            raise InvalidArgumentError("--report: expected with --calibrate, whose images it shows, found none")
    source = NetworkSource(trained, factory, checkpoint, ignore_keys or (), classes, mean, std)
    source.check(calibrated=calibrate is not None)
    check_target(output)
    if observer and observer not in _OBSERVERS:
        raise InvalidArgumentError(f"--observer: expected one of {', '.join(_OBSERVERS)}, found {observer}")
    for option, choice in (("--equalize", equalize), ("--correct-bias", correct_bias)):
        if choice not in _CHOICES:
            raise InvalidArgumentError(f"{option}: expected one of {', '.join(_CHOICES)}, found {choice}")
    if requantize not in REQUANTIZATIONS:
        expected = ", ".join(REQUANTIZATIONS)
        raise InvalidArgumentError(f"--requantize: expected one of {expected}, found {requantize}")
    data = CalibrationData(None) if calibrate is None else calibration_data(calibrate, dataset, images)
    with progress() as bars:
        conversion = source.convert(
            output,
            data,
            observer=observer or DEFAULT_OBSERVER,
            equalize=equalize,
            correct_bias=correct_bias,
            requantize=requantize,
            name=name,
            parity_images=parity_images,
            progress=_Stages(bars).update,
        )
    if conversion.parity is not None:
        print_parity(conversion.parity)
    console_output().print(f"{conversion.path}: {conversion.path.stat().st_size} bytes")
    if report is not None:
        page = conversion_page(conversion, examine(conversion), _arguments(source, calibrate, images))
        write_atomically(report, page.encode())
        typer.echo(f"wrote {report}")


def _arguments(source: NetworkSource, calibrate: str | None, images: int) -> list[tuple[str, str]]:
    """What the page says about where the model comes from."""
    given = {"checkpoint": source.trained or source.checkpoint, "network": source.model, "calibrated with": calibrate}
    return [
        *((name, Path(value).name if isinstance(value, Path) else value) for name, value in given.items() if value),
        ("calibration images", f"at most {images}"),
    ]


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
