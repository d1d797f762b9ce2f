"""``itrt run``: an image, a folder of images or a video in; labels, overlays and a table out."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Annotated

import typer

from itrt import Model, Result, load
from itrt.cli import console
from itrt.cli.errors import interrupted
from itrt.cli.overlay import Pixels
from itrt.cli.segment import RunLimits, Segmenter, Targets, count_classes, print_shares
from itrt.errors import Interrupted, InvalidArgumentError, MissingFileError
from itrt.images import check_png_path, read_image, write_png
from itrt.video import is_video

DEFAULT_MODEL = "itnet-camvid"


def run(
    image: Annotated[
        Path,
        typer.Argument(
            metavar="IMAGE", help="An image of any size, a folder of images, or a video.", show_default=False
        ),
    ],
    iterations: Annotated[
        int | None,
        typer.Option("--iterations", "-k", min=1, help="Executions of the block. [default: as trained]"),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="PNG to write: labels in the model's palette. Of a folder or video: a directory."
        ),
    ] = None,
    overlay: Annotated[
        Path | None,
        typer.Option(
            help="PNG to write: the image tinted by class, with a legend. Folder: a directory; video: a video."
        ),
    ] = None,
    contact_sheet: Annotated[
        Path | None,
        typer.Option("--contact-sheet", help="As --overlay, with the overlays of all iterations in one picture."),
    ] = None,
    side_by_side: Annotated[
        bool, typer.Option("--side-by-side", help="In the overlay, show the image itself on the left.")
    ] = False,
    stream: Annotated[
        bool, typer.Option("--stream", help="Write the answer after every iteration: out-1.png, out-2.png, ...")
    ] = False,
    deadline: Annotated[
        float | None, typer.Option(help="Milliseconds an image: the best answer that is there in time.")
    ] = None,
    stable: Annotated[
        float | None, typer.Option(help="Stop when an iteration leaves this share of the labels, such as 0.995.")
    ] = None,
    model: Annotated[str, typer.Option(help="A packaged model's name, or an .itrt file.")] = DEFAULT_MODEL,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads. [default: as many as CPUs]")] = None,
    isa: Annotated[str | None, typer.Option(help="Instruction set, see itrt info. [default: the best]")] = None,
) -> None:
    """Segment an image, the images of a folder, or a video."""
    targets = Targets(output, overlay, contact_sheet, side_by_side)
    targets.check()
    limits = RunLimits(iterations, deadline, stable)
    limits.check(targets, stream)
    if image.is_dir() or is_video(image):
        from itrt.cli.run_folder import run_folder
        from itrt.cli.run_video import run_video

        if stream:
            raise InvalidArgumentError("--stream: expected one image; --contact-sheet shows every iteration of many")
        many = run_folder if image.is_dir() else run_video
        many(image, targets, lambda: load(model, threads=threads, isa=isa), limits)
        return
    _check_paths(image, targets, stream)
    segmenter = Segmenter(load(model, threads=threads, isa=isa), limits, targets)
    pixels = read_image(image)
    if stream:
        results = []
        for result in segmenter.stream(pixels):
            results.append(result)
            _write(segmenter, targets, pixels, result, suffix=f"-{result.iterations}")
        _print_summary(segmenter.model, result, image, milliseconds=None)
    else:
        begin = time.perf_counter()
        result = _run(segmenter, pixels)
        _ = result.labels  # they are computed when they are read
        milliseconds = 1000 * (time.perf_counter() - begin)
        _print_summary(segmenter.model, result, image, milliseconds)
        _write(segmenter, targets, pixels, result)
        if result.stopped == "interrupted":
            raise interrupted(f"this is the answer after {console.counted(result.iterations, 'iteration')}")
        results = segmenter.answers(pixels) if contact_sheet is not None else []
    if contact_sheet is not None:
        write_png(segmenter.contact_sheet(pixels, results), contact_sheet)
        typer.echo(f"wrote {contact_sheet}")


def _run(segmenter: Segmenter, pixels: Pixels) -> Result:
    try:
        return segmenter.run(pixels)
    except Interrupted as error:
        return error.result  # written all the same: the user has waited for it


def _write(segmenter: Segmenter, targets: Targets, pixels: Pixels, result: Result, suffix: str = "") -> None:
    if targets.output is not None:
        path = targets.output.with_stem(targets.output.stem + suffix)
        result.save(path)
        typer.echo(f"wrote {path}")
    if targets.overlay is not None:
        path = targets.overlay.with_stem(targets.overlay.stem + suffix)
        write_png(segmenter.overlay(pixels, result), path)
        typer.echo(f"wrote {path}")


def _ended_early(result: Result) -> bool:
    return result.stopped not in (None, "iterations")


def _check_paths(image: Path, targets: Targets, stream: bool) -> None:
    if not image.is_file():
        raise MissingFileError(f"image: expected a file or a directory at {image}, found none")
    for name, path in targets.options.items():
        check_png_path(path)
        same = image.resolve() == path.resolve()
        if stream and name != "--contact-sheet" and image.resolve().parent == path.resolve().parent:
            same = re.fullmatch(re.escape(path.stem) + r"-\d+\.png", image.name, re.IGNORECASE) is not None
        if same:
            raise InvalidArgumentError(f"output {path}: expected a file other than the image, found the image itself")
    if stream and targets.output is None and targets.overlay is None:
        raise InvalidArgumentError("--stream: expected --output or --overlay for its pictures, found neither")


def _print_summary(model: Model, result: Result, image: Path, milliseconds: float | None) -> None:
    height, width = result.labels.shape
    iterations = console.counted(result.iterations, "iteration")
    facts = [f"{width}x{height} pixels", iterations + (f" ({result.stopped})" if _ended_early(result) else "")]
    if milliseconds is not None:
        facts.append(f"{milliseconds:.1f} ms (first run of this size)")
    facts += [
        f"arena {console.binary_size(model.arena_bytes(height, width))}",
        console.counted(model.threads, "thread"),
        model.isa,
    ]
    print_shares(
        model, f"{image} by {model.name}: {', '.join(facts)}", count_classes(result.labels, len(model.classes))
    )
