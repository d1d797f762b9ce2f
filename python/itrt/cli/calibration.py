"""What ``--calibrate``, ``--dataset``, ``--images`` and ``--classes`` of ``itrt convert`` stand for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from itrt.images import images_in

Pixels = NDArray[np.uint8]

CALIBRATION_IMAGES = 64  # to take where nobody says how many


@dataclass(frozen=True)
class CalibrationData:
    """Images to calibrate with, read one at a time, if any; of a data set, their labels and what these mean."""

    images: Iterable[Pixels] | None
    labels: Iterable[Pixels] | None = None
    classes: Sequence[str] | int | None = None
    palette: Sequence[Sequence[int]] | None = None

    def with_classes(self, text: str | None) -> CalibrationData:
        """Return the same images for a network of these classes: names with commas between, or a number.

        A data set's labels mean its own classes: with others they are left out.
        """
        if text is None:
            return self
        if text.strip().isdecimal():
            return CalibrationData(self.images, classes=int(text))
        names = [name.strip() for name in text.split(",")]
        return self if names == self.classes else CalibrationData(self.images, classes=names)


def calibration_data(calibrate: str, dataset: str | None, count: int) -> CalibrationData:
    """Choose images of a directory or of a data set's train split."""
    from itrt.converter.calibration_set import ImageFiles, choose
    from itrt.train.data import SYNTHETIC, open_source, recognized

    if dataset is None and calibrate != SYNTHETIC and not recognized(Path(calibrate)):
        return CalibrationData(ImageFiles(choose(images_in(Path(calibrate), "calibration"), count)))
    source = open_source(calibrate, dataset)
    images = source.split("train", stored=True)
    chosen = images.take(choose(range(len(images)), count))
    return CalibrationData(chosen.images, chosen.labels, list(source.class_names), source.palette)
