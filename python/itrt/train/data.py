"""What a training reads: images and labels in memory, with the names and colours of the classes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from itrt.errors import InvalidArgumentError

Image = NDArray[np.uint8]
Colour = tuple[int, int, int]


@dataclass(frozen=True)
class ImageSet:
    """Images and their labels, decoded once and kept in RAM.

    Parameters
    ----------
    images
        RGB, uint8 (H, W, 3); sizes may differ.
    labels
        Class indices, uint8 (H, W), of the image's size.
    names
        What to call each image in messages and reports, such as its file's name; empty: by its number.
    """

    images: Sequence[Image]
    labels: Sequence[Image]
    names: Sequence[str] = ()

    def __post_init__(self) -> None:
        if len(self.images) != len(self.labels):
            raise InvalidArgumentError(f"labels: expected {len(self.images)}, one an image, found {len(self.labels)}")
        if self.names and len(self.names) != len(self.images):
            raise InvalidArgumentError(f"names: expected {len(self.images)} or none, found {len(self.names)}")
        for index, (image, label) in enumerate(zip(self.images, self.labels, strict=True)):
            if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
                raise InvalidArgumentError(
                    f"image {index}: expected uint8 (H, W, 3), found {image.dtype} {image.shape}"
                )
            if label.shape != image.shape[:2] or label.dtype != np.uint8:
                raise InvalidArgumentError(
                    f"label {index}: expected uint8 {image.shape[:2]}, found {label.dtype} {label.shape}"
                )

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True)
class SegmentationData:
    """A data set for semantic segmentation.

    Parameters
    ----------
    train, validation
        What to learn from and what to measure on.
    class_names, palette
        Name and RGB colour of each class, by index.
    ignore_index
        The label of pixels that neither the loss nor the metrics count.
    """

    train: ImageSet
    validation: ImageSet
    class_names: tuple[str, ...]
    palette: tuple[Colour, ...]
    ignore_index: int

    def __post_init__(self) -> None:
        if len(self.train) == 0:
            raise InvalidArgumentError("train: expected at least 1 image, found 0")
        if len(self.palette) != len(self.class_names):
            raise InvalidArgumentError(f"palette: expected {len(self.class_names)} colours, found {len(self.palette)}")
        for name, images in (("train", self.train), ("validation", self.validation)):
            check_label_values(name, images, len(self.class_names), self.ignore_index)


def check_label_values(name: str, images: ImageSet, classes: int, ignore_index: int) -> None:
    """Raise InvalidArgumentError if a label holds a value that is neither a class nor the ignored label."""
    for index, label in enumerate(images.labels):
        wrong = label[(label >= classes) & (label != ignore_index)]
        if wrong.size:
            raise InvalidArgumentError(
                f"{name} label {index}: expected classes 0 to {classes - 1} "
                f"or {ignore_index} (ignored), found {wrong[0]}"
            )
