"""Accuracy and time of a model on labelled images, after every iteration; what ``itrt eval`` shows."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from itrt.errors import InvalidArgumentError
from itrt.metrics import ConfusionMatrix
from itrt.runtime import Model
from itrt.train.data import ImageSet


@dataclass(frozen=True)
class IterationScore:
    """What the answer after `iteration` iterations (from 1) is worth and costs.

    ``iou`` has one entry a class, None if it occurs neither in labels nor in answers; the mean is over the others.
    ``milliseconds`` is the median over the images of the time from the image to this answer, as a single run would take
    it; ``block_milliseconds`` the median time of this execution of the block, with the stem's in the first.
    """

    iteration: int
    mean_iou: float | None
    iou: tuple[float | None, ...]
    milliseconds: float
    block_milliseconds: float


@dataclass(frozen=True)
class ImageScore:
    """The last answer on one image: the mean IoU over the classes that occur in it, None if nothing is counted."""

    name: str
    mean_iou: float | None


@dataclass(frozen=True)
class Evaluation:
    """The scores of a model, and how they were measured.

    ``confusion`` counts the last answers' pixels: a row a label, a column an answer.
    """

    model: str
    classes: tuple[str, ...]
    images: int
    threads: int
    isa: str
    scores: tuple[IterationScore, ...]
    confusion: tuple[tuple[int, ...], ...]
    image_scores: tuple[ImageScore, ...]


def evaluate(
    model: Model,
    images: ImageSet,
    ignore_index: int,
    iterations: int | None = None,
    progress: Callable[[], None] = lambda: None,
) -> Evaluation:
    """Run a model on every image and compare the labels of each iteration's answer.

    Parameters
    ----------
    images
        Images with labels; at least one.
    ignore_index
        The label of pixels that are not counted.
    iterations
        How many; as the model was trained if None.
    progress
        Called after every image.

    Raises
    ------
    InvalidArgumentError
        If there are no images, or the model cannot run that many iterations.
    """
    if len(images) == 0:
        raise InvalidArgumentError("images: expected at least one, found none")
    count = model.iterations if iterations is None else iterations
    sizes: set[tuple[int, ...]] = set()
    image_scores = []
    confusions = [ConfusionMatrix(len(model.classes), ignore_index) for _ in range(count)]
    block_seconds = np.zeros((len(images), count))
    answer_seconds = np.zeros((len(images), count))
    for index, (image, labels) in enumerate(zip(images.images, images.labels, strict=True)):
        if image.shape not in sizes:
            sizes.add(image.shape)
            model.run(image, count)  # plans, allocates, wakes the threads: not what is measured
        begin = time.perf_counter()
        for step, result in enumerate(model.stream(image, count)):
            answered = time.perf_counter()
            found = result.labels
            done = time.perf_counter()
            block_seconds[index, step] = answered - begin
            answer_seconds[index, step] = done - answered
            confusions[step].update(found, labels)
            begin = time.perf_counter()
        one = ConfusionMatrix(len(model.classes), ignore_index)
        one.update(found, labels)
        image_scores.append(ImageScore(images.name(index), _or_none(one.mean_iou())))
        progress()
    until_answer = np.cumsum(block_seconds, axis=1) + answer_seconds
    return Evaluation(
        model=model.name,
        classes=model.classes,
        images=len(images),
        threads=model.threads,
        isa=model.isa,
        scores=tuple(
            IterationScore(
                iteration=step + 1,
                mean_iou=_or_none(confusion.mean_iou()),
                iou=tuple(_or_none(value) for value in confusion.iou()),
                milliseconds=_median_milliseconds(until_answer[:, step]),
                block_milliseconds=_median_milliseconds(block_seconds[:, step]),
            )
            for step, confusion in enumerate(confusions)
        ),
        confusion=tuple(tuple(row) for row in confusions[-1].counts.tolist()),
        image_scores=tuple(image_scores),
    )


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _median_milliseconds(seconds: NDArray[Any]) -> float:
    return 1000 * float(np.median(seconds))
