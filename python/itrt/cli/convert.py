"""``itrt convert``: a checkpoint becomes an .itrt file, with a table of how close it is to float; no logic."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from itrt.cli.console import output as console_output
from itrt.cli.console import progress, table
from itrt.errors import InvalidArgumentError, MissingDependencyError, MissingFileError

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from itrt.converter import ParityReport

_OBSERVERS = ("minmax", "percentile", "mse")


def convert(
    checkpoint: Annotated[Path, typer.Argument(help="A checkpoint or network.pt of itrt train.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The .itrt file to write.")],
    calibrate: Annotated[
        Path, typer.Option(help="Directory of images, or CamVid in the SegNet layout (its train images and labels).")
    ],
    images: Annotated[int, typer.Option(min=1, help="Calibration images to take.")] = 64,
    observer: Annotated[str, typer.Option(help=f"{', '.join(_OBSERVERS)}. [default: the converter's]")] = "",
    parity_images: Annotated[int, typer.Option(min=0, help="Images of the parity report; 0: none.")] = 8,
    name: Annotated[str | None, typer.Option(help="The model's name. [default: the file's]")] = None,
) -> None:
    """Convert a checkpoint to int8 and report how close the result is to float."""
    try:
        from itrt.converter import DEFAULT_OBSERVER, convert_checkpoint
        from itrt.converter.calibration_set import ImageFiles, LabelFiles, choose
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"itrt convert needs {error.name}: pip install 'itrt[convert]' (README: how to choose torch's CPU build)"
        ) from error
    paths, label_paths = _calibration_paths(checkpoint, output, calibrate, observer)
    chosen = choose(range(len(paths)), images)
    with progress() as bars:
        conversion = convert_checkpoint(
            checkpoint,
            output,
            calibration=ImageFiles([paths[index] for index in chosen]),
            observer=observer or DEFAULT_OBSERVER,  # type: ignore[arg-type]  # checked above
            labels=LabelFiles([label_paths[index] for index in chosen]) if label_paths else None,
            name=name,
            parity_images=parity_images,
            progress=_Stages(bars).update,
        )
    if conversion.parity is not None:
        _print_parity(conversion.parity)
    console_output().print(f"{conversion.path}: {conversion.path.stat().st_size} bytes")


def _calibration_paths(
    checkpoint: Path, output: Path, calibrate: Path, observer: str
) -> tuple[list[Path], list[Path] | None]:
    """Check all arguments, fast; return the paths of images and, in CamVid's layout, of their labels."""
    from itrt.converter.arguments import check_target
    from itrt.converter.calibration_set import images_in

    if not checkpoint.is_file():
        raise MissingFileError(f"checkpoint: expected a file, found none at {checkpoint}")
    check_target(output)
    if observer and observer not in _OBSERVERS:
        raise InvalidArgumentError(f"--observer: expected one of {', '.join(_OBSERVERS)}, found {observer}")
    if (calibrate / "train.txt").is_file():
        from itrt.train.camvid import list_pairs

        pairs = list_pairs(calibrate, "train")
        return [image for image, _ in pairs], [labels for _, labels in pairs]
    return images_in(calibrate), None


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
