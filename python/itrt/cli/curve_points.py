"""What answers are worth and cost: mean IoU, milliseconds and MAC, however the runs end; what ``itrt curve`` shows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import mean, median

import numpy as np

from itrt import Model, Result
from itrt.errors import DeadlineExceeded, InvalidArgumentError
from itrt.format import Program
from itrt.format.costs import operator_costs, tensor_sizes
from itrt.metrics import ConfusionMatrix
from itrt.stop import stable
from itrt.train.data import Image, ImageSet

Run = Callable[[Image], Result]


@dataclass(frozen=True)
class Point:
    """All images, answered in one way.

    ``kind`` is "iterations", "deadline", "stable" or "warm"; ``setting`` the iterations, the milliseconds, the share of
    labels or the iterations; ``share`` and ``first_step`` are those of a warm start.

    ``mean_iou`` is over the images that were answered, None if none was or nothing is counted. ``iterations`` and
    ``macs`` (multiply-accumulates of stem, iterations and heads) are means over them, ``milliseconds`` is the median
    time from image to labels. ``missed`` images had no answer, ``late`` ones had it after the deadline.
    """

    kind: str
    setting: float
    share: float | None
    first_step: int | None
    mean_iou: float | None
    iterations: float | None
    macs: float | None
    milliseconds: float | None
    answered: int
    missed: int
    late: int


class Costs:
    """Multiply-accumulates of a program's sections, by the size of the image."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._sections: dict[tuple[int, int], tuple[int, int, int]] = {}

    def macs(self, height: int, width: int, iterations: int, answers: int) -> int:
        """Of a run: the stem once, the block and the head as often as this."""
        size = (height, width)
        if size not in self._sections:
            sizes = tensor_sizes(self._program, height, width)
            stem, block, head = (
                sum(operator_costs(operator, sizes).macs for operator in section)
                for section in (self._program.stem, self._program.block, self._program.head)
            )
            self._sections[size] = stem, block, head
        stem, block, head = self._sections[size]
        return stem + iterations * block + answers * head


class Curve:
    """A model and the images that its points are measured on.

    Parameters
    ----------
    program
        The model's.
    ignore_index
        The label of pixels that are not counted.
    progress
        Called after every image.

    Raises
    ------
    InvalidArgumentError
        If there are no images.
    """

    def __init__(
        self,
        model: Model,
        program: Program,
        images: ImageSet,
        ignore_index: int,
        progress: Callable[[], None] = lambda: None,
    ) -> None:
        if len(images) == 0:
            raise InvalidArgumentError("images: expected at least one, found none")
        self._model, self._costs = model, Costs(program)
        self._images, self._ignore_index, self._progress = images, ignore_index, progress
        self._sizes: set[tuple[int, ...]] = set()

    def iterations(self, count: int) -> Point:
        """Runs of so many iterations."""
        return self._point("iterations", count, lambda image: self._model.run(image, count))

    def deadline(self, milliseconds: float, most: int) -> Point:
        """Runs with a deadline and at most so many iterations."""
        return self._point(
            "deadline", milliseconds, lambda image: self._model.run(image, most, deadline_ms=milliseconds)
        )

    def stable(self, share: float, most: int) -> Point:
        """Runs that end when this share of the labels stays, or after so many iterations."""
        rule = stable(share)
        return self._point("stable", share, lambda image: self._model.run(image, most, stop=rule))

    def warm(self, count: int, share: float, first_step: int) -> Point:
        """The images as a video: so many iterations a frame, the last frame's state with this share in the first."""
        frame: list[Image] = []

        def camera() -> Iterator[Image]:
            while frame:
                yield frame.pop()

        video = self._model.video(camera(), count, warm=True, share=share, first_step=first_step)

        def run(image: Image) -> Result:
            frame.append(image)
            return next(video)

        return self._point("warm", count, run, share, first_step)

    def _point(
        self, kind: str, setting: float, run: Run, share: float | None = None, first_step: int | None = None
    ) -> Point:
        confusion = ConfusionMatrix(len(self._model.classes), self._ignore_index)
        iterations: list[int] = []
        macs: list[int] = []
        milliseconds: list[float] = []
        for image, labels in zip(self._images.images, self._images.labels, strict=True):
            self._prepare(image)
            begin = time.monotonic()
            try:
                result = run(image)
            except DeadlineExceeded:
                continue
            finally:
                self._progress()
            found = result.labels
            milliseconds.append(1000 * (time.monotonic() - begin))
            confusion.update(found, labels)
            iterations.append(result.iterations)
            answers = result.iterations if kind == "stable" else 1  # a rule looks at every answer
            height, width = labels.shape
            macs.append(self._costs.macs(height, width, result.iterations, answers))
        score = confusion.mean_iou()
        return Point(
            kind=kind,
            setting=setting,
            share=share,
            first_step=first_step,
            mean_iou=None if np.isnan(score) else score,
            iterations=_or_none(mean, iterations),
            macs=_or_none(mean, macs),
            milliseconds=_or_none(median, milliseconds),
            answered=len(iterations),
            missed=len(self._images) - len(iterations),
            late=sum(value > setting for value in milliseconds) if kind == "deadline" else 0,
        )

    def _prepare(self, image: Image) -> None:
        """A first run of its size plans, allocates and measures the pace: not what is to be measured."""
        if image.shape not in self._sizes:
            self._sizes.add(image.shape)
            self._model.run(image, 1, deadline_ms=1e9)


def _or_none(average: Callable[[Sequence[float]], float], values: Sequence[float]) -> float | None:
    return float(average(values)) if values else None
