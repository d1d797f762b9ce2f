"""What a training reads: images and labels, with the names and colours of the classes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from itrt.errors import InvalidArgumentError
from itrt.train.data.pictures import StoredPictures

Image = NDArray[np.uint8]
Colour = tuple[int, int, int]


@dataclass(frozen=True)
class ImageSet:
    """Images and their labels: arrays in RAM, or files that are decoded when an item is asked for.

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
        if self.stored:
            return
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

    @property
    def stored(self) -> bool:
        """Whether these are files, which their decoders check one at a time."""
        return isinstance(self.images, StoredPictures)

    def take(self, indices: Sequence[int]) -> "ImageSet":
        """Return the images with these numbers, in this order; files stay files."""
        names = [self.name(index) for index in indices]
        return ImageSet(_take(self.images, indices), _take(self.labels, indices), names)

    def name(self, index: int) -> str:
        """What to call an image."""
        return self.names[index] if self.names else f"image {index}"


def _take(pictures: Sequence[Image], indices: Sequence[int]) -> Sequence[Image]:
    if isinstance(pictures, StoredPictures):
        return pictures.take(indices)
    return [pictures[index] for index in indices]


class DataSource(Protocol):
    """Where images with labels come from: what every data set offers to training, conversion and evaluation."""

    @property
    def title(self) -> str:
        """The data set's name, for people."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Name of each class, by index."""

    @property
    def palette(self) -> tuple[Colour, ...]:
        """RGB colour of each class, by index."""

    @property
    def ignore_index(self) -> int:
        """The label of pixels that neither the loss nor the metrics count."""

    def split(self, name: str, stored: bool = False) -> ImageSet:
        """Return the images and labels of a split ("train", "val", ...); ``stored``: what is in files stays there."""


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
            if images.stored:
                continue
            for index, label in enumerate(images.labels):
                check_label_values(f"{name} label {index}", label, len(self.class_names), self.ignore_index)


def check_label_values(name: str, label: Image, classes: int, ignore_index: int) -> None:
    """Raise InvalidArgumentError if a label holds a value that is neither a class nor the ignored label."""
    wrong = label[(label >= classes) & (label != ignore_index)]
    if wrong.size:
        raise InvalidArgumentError(
            f"{name}: expected classes 0 to {classes - 1} or {ignore_index} (ignored), found {wrong[0]}"
        )
