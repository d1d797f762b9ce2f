"""What ``itrt run`` makes of one picture: an image, a file of a folder, a frame of a video."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from itrt import Model, Result, Stream
from itrt.arguments import check_positive
from itrt.cli import console
from itrt.cli.contact_sheet import draw_contact_sheet
from itrt.cli.overlay import Pixels, draw_overlay
from itrt.errors import InvalidArgumentError
from itrt.stop import Rule, stable


@dataclass(frozen=True)
class Targets:
    """Where the pictures go that are asked for: files for an image; directories, or videos, for many.

    ``side_by_side`` is a form of the overlay.
    """

    output: Path | None
    overlay: Path | None
    contact_sheet: Path | None
    side_by_side: bool

    @property
    def options(self) -> dict[str, Path]:
        """The paths that were given, by the option's name."""
        named = {"--output": self.output, "--overlay": self.overlay, "--contact-sheet": self.contact_sheet}
        return {name: path for name, path in named.items() if path is not None}

    def check(self) -> None:
        """Raise InvalidArgumentError if two paths are one, or an overlay's form is asked for without it."""
        by_path: dict[Path, str] = {}
        for name, path in self.options.items():
            other = by_path.setdefault(path.resolve(), name)
            if other != name:
                raise InvalidArgumentError(f"{other} and {name}: expected two files, found {path} twice")
        if self.side_by_side and self.overlay is None:
            raise InvalidArgumentError("--side-by-side: expected an --overlay that it is a form of, found none")


@dataclass(frozen=True)
class RunLimits:
    """The options that end a run: as in `Model.run`; ``stable`` is the share of labels of `itrt.stop.stable`."""

    iterations: int | None
    deadline_ms: float | None
    stable: float | None

    def check(self, targets: Targets, stream: bool) -> None:
        """Raise InvalidArgumentError for wrong values, or for a deadline where every answer is to be shown."""
        if self.deadline_ms is not None:
            check_positive("--deadline", self.deadline_ms)
            if stream or targets.contact_sheet is not None:
                raise InvalidArgumentError("--deadline: expected without --stream and --contact-sheet, found both")
        if self.stable is not None:
            check_positive("--stable", self.stable, 1)

    @property
    def stop(self) -> Rule | None:
        """The rule, if there is one."""
        return None if self.stable is None else stable(self.stable)


class Segmenter:
    """A model with what ends its runs, and what is to be drawn of its answers.

    Parameters
    ----------
    all_classes
        Legends have all classes, so that pictures of one size stay of one size.

    Raises
    ------
    InvalidArgumentError
        If the model cannot run that many iterations: before the first of many pictures, not at each of them.
    """

    def __init__(self, model: Model, limits: RunLimits, targets: Targets, all_classes: bool = False) -> None:
        self.model = model
        self._iterations = model.check_iterations(limits.iterations)
        self._limits, self._targets, self._all_classes = limits, targets, all_classes

    def run(self, pixels: Pixels) -> Result:
        """The last answer to an image, (height, width, 3) u8."""
        return self.model.run(pixels, self._iterations, deadline_ms=self._limits.deadline_ms, stop=self._limits.stop)

    def stream(self, pixels: Pixels) -> Stream:
        """The answers to an image, one after another."""
        return self.model.stream(pixels, self._iterations, stop=self._limits.stop)

    def answers(self, pixels: Pixels) -> list[Result]:
        """The last answer to an image, or all of them if a contact sheet shows them."""
        return [self.run(pixels)] if self._targets.contact_sheet is None else list(self.stream(pixels))

    def overlay(self, pixels: Pixels, result: Result) -> Pixels:
        """The image tinted by class, with a legend."""
        model = self.model
        return draw_overlay(
            pixels, result.labels, model.palette, model.classes,
            side_by_side=self._targets.side_by_side, all_classes=self._all_classes,
        )  # fmt: skip

    def contact_sheet(self, pixels: Pixels, results: Sequence[Result]) -> Pixels:
        """The overlays of all iterations in one picture."""
        labels = [result.labels for result in results]
        return draw_contact_sheet(pixels, labels, self.model.palette, self.model.classes, all_classes=self._all_classes)


def count_classes(labels: NDArray[Any], classes: int) -> NDArray[np.int64]:
    """Pixels of each class, int64 (classes,)."""
    return np.bincount(labels.ravel(), minlength=classes)


def print_shares(model: Model, headline: str, pixels: NDArray[np.int64]) -> None:
    """Print a headline and a table of the classes that occur, the most frequent first."""
    shares = pixels / max(int(pixels.sum()), 1)
    table = console.table("", "class", "pixels", numbers=["pixels"])
    for index in np.argsort(-shares, kind="stable"):
        if shares[index] > 0:
            table.add_row(console.swatch(model.palette[index]), model.classes[index], f"{shares[index]:.1%}")
    terminal = console.output()
    terminal.print(headline, markup=False, soft_wrap=True)
    terminal.print()
    terminal.print(table)
    terminal.print()
