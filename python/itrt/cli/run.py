"""``itrt run``: an image in; labels, an overlay and a table out."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from itrt import Model, Result, load
from itrt.cli import console
from itrt.cli.overlay import draw_overlay
from itrt.errors import InvalidArgumentError, MissingFileError
from itrt.images import check_png_path, read_image, write_png

DEFAULT_MODEL = "itnet-camvid"


def run(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="An image file of any size.", show_default=False)],
    iterations: Annotated[
        int | None,
        typer.Option("--iterations", "-k", min=1, help="Executions of the block. [default: as trained]"),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="PNG to write: labels in the model's palette.")
    ] = None,
    overlay: Annotated[
        Path | None, typer.Option(help="PNG to write: the image tinted by class, with a legend.")
    ] = None,
    side_by_side: Annotated[
        bool, typer.Option("--side-by-side", help="In the overlay, show the image itself on the left.")
    ] = False,
    stream: Annotated[
        bool, typer.Option("--stream", help="Write the answer after every iteration: out-1.png, out-2.png, ...")
    ] = False,
    model: Annotated[str, typer.Option(help="A packaged model's name, or an .itrt file.")] = DEFAULT_MODEL,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads. [default: as many as CPUs]")] = None,
    isa: Annotated[str | None, typer.Option(help="Instruction set, see itrt info. [default: the best]")] = None,
) -> None:
    """Segment an image."""
    targets = _Targets(output, overlay, side_by_side)
    _check_paths(image, targets, stream)
    loaded = load(model, threads=threads, isa=isa)
    pixels = read_image(image)
    if stream:
        for result in loaded.stream(pixels, iterations):
            targets.write(loaded, result, pixels, suffix=f"-{result.iterations}")
        _print_summary(loaded, result, image, milliseconds=None)
        return
    begin = time.perf_counter()
    result = loaded.run(pixels, iterations)
    _ = result.labels  # they are computed when they are read
    milliseconds = 1000 * (time.perf_counter() - begin)
    _print_summary(loaded, result, image, milliseconds)
    targets.write(loaded, result, pixels)


@dataclass(frozen=True)
class _Targets:
    """The pictures that are asked for."""

    output: Path | None
    overlay: Path | None
    side_by_side: bool

    @property
    def paths(self) -> list[Path]:
        return [path for path in (self.output, self.overlay) if path is not None]

    def write(self, model: Model, result: Result, pixels: NDArray[np.uint8], suffix: str = "") -> None:
        if self.output is not None:
            path = self.output.with_stem(self.output.stem + suffix)
            result.save(path)
            typer.echo(f"wrote {path}")
        if self.overlay is not None:
            path = self.overlay.with_stem(self.overlay.stem + suffix)
            picture = draw_overlay(pixels, result.labels, model.palette, model.classes, side_by_side=self.side_by_side)
            write_png(picture, path)
            typer.echo(f"wrote {path}")


def _check_paths(image: Path, targets: _Targets, stream: bool) -> None:
    if not image.is_file():
        raise MissingFileError(
            f"image: expected a file at {image}, found {'a directory' if image.is_dir() else 'none'}"
        )
    for path in targets.paths:
        check_png_path(path)
        same = image.resolve() == path.resolve()
        if stream and image.resolve().parent == path.resolve().parent:
            same = re.fullmatch(re.escape(path.stem) + r"-\d+\.png", image.name, re.IGNORECASE) is not None
        if same:
            raise InvalidArgumentError(f"output {path}: expected a file other than the image, found the image itself")
    if len(targets.paths) == 2 and targets.paths[0].resolve() == targets.paths[1].resolve():
        raise InvalidArgumentError(f"--output and --overlay: expected two files, found {targets.paths[0]} twice")
    if stream and not targets.paths:
        raise InvalidArgumentError("--stream: expected --output or --overlay for its pictures, found neither")
    if targets.side_by_side and targets.overlay is None:
        raise InvalidArgumentError("--side-by-side: expected an --overlay that it is a form of, found none")


def _print_summary(model: Model, result: Result, image: Path, milliseconds: float | None) -> None:
    height, width = result.labels.shape
    facts = [f"{width}x{height} pixels", console.counted(result.iterations, "iteration")]
    if milliseconds is not None:
        facts.append(f"{milliseconds:.1f} ms (first run of this size)")
    facts += [
        f"arena {console.binary_size(model.arena_bytes(height, width))}",
        console.counted(model.threads, "thread"),
        model.isa,
    ]
    shares = np.bincount(result.labels.ravel(), minlength=len(model.classes)) / result.labels.size
    table = console.table("", "class", "pixels", numbers=["pixels"])
    for index in np.argsort(-shares, kind="stable"):
        if shares[index] > 0:
            table.add_row(console.swatch(model.palette[index]), model.classes[index], f"{shares[index]:.1%}")
    terminal = console.output()
    terminal.print(f"{image} by {model.name}: {', '.join(facts)}", markup=False, soft_wrap=True)
    terminal.print()
    terminal.print(table)
    terminal.print()
