"""``itrt run`` on a folder: every image by itself; what cannot be read is reported, skipped and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from itrt import Model
from itrt.cli import console
from itrt.cli.errors import interrupted
from itrt.cli.segment import RunLimits, Segmenter, Targets, count_classes, print_shares
from itrt.errors import InvalidArgumentError, ItrtError
from itrt.files import make_directory
from itrt.images import images_in, read_image, write_png


def run_folder(folder: Path, targets: Targets, load: Callable[[], Model], limits: RunLimits) -> None:
    """Segment the images directly in a folder, of any sizes; each picture gets its image's name and ends in .png.

    Ctrl-C keeps the pictures of the images that are done, and says how many they are.

    Raises
    ------
    MissingFileError
        If there is no image, or no directory for the pictures' directories.
    InvalidArgumentError
        If no pictures are asked for; if they would be written into the folder; and at the end, if an image was skipped.
    """
    paths = images_in(folder, "images")
    _check(folder, targets)
    segmenter = Segmenter(load(), limits, targets)
    model = segmenter.model
    for directory in targets.options.values():
        make_directory(directory)
    pixels_of = np.zeros(len(model.classes), np.int64)
    written = skipped = 0
    try:
        with console.progress() as progress:
            task = progress.add_task("images", total=len(paths))
            for path, name in zip(paths, picture_names(paths), strict=True):
                try:
                    pixels_of += _run(segmenter, targets, path, name)
                    written += 1
                except ItrtError as error:
                    skipped += 1
                    progress.console.print(
                        f"skipped {path.name}: {error}", markup=False, highlight=False, soft_wrap=True
                    )
                progress.advance(task)
    except KeyboardInterrupt:
        raise interrupted(f"the pictures of {written} of {console.counted(len(paths), 'image')} are written") from None
    done = console.counted(written, "image")
    print_shares(model, f"{folder} by {model.name}: {done}, {skipped} skipped", pixels_of)
    for directory in targets.options.values():
        console.output().print(f"wrote {done} to {directory}", markup=False, soft_wrap=True)
    if skipped:
        raise InvalidArgumentError(
            f"{folder}: expected {len(paths)} readable images, found {skipped} that had to be skipped; "
            "the others' pictures are written"
        )


def picture_names(paths: Sequence[Path]) -> list[str]:
    """A .png name for each image: its stem, or where two share one, its whole name: street.jpg.png."""
    stems = Counter(path.stem for path in paths)
    return [f"{path.stem if stems[path.stem] == 1 else path.name}.png" for path in paths]


def _run(segmenter: Segmenter, targets: Targets, path: Path, name: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    pixels = read_image(path)
    results = segmenter.answers(pixels)
    if targets.output is not None:
        results[-1].save(targets.output / name)
    if targets.overlay is not None:
        write_png(segmenter.overlay(pixels, results[-1]), targets.overlay / name)
    if targets.contact_sheet is not None:
        write_png(segmenter.contact_sheet(pixels, results), targets.contact_sheet / name)
    return count_classes(results[-1].labels, len(segmenter.model.classes))


def _check(folder: Path, targets: Targets) -> None:
    if not targets.options:
        raise InvalidArgumentError("folder: expected --output, --overlay or --contact-sheet, found none of them")
    for name, directory in targets.options.items():
        if directory.resolve() == folder.resolve():
            raise InvalidArgumentError(f"{name} {directory}: expected another directory than that of the images")
