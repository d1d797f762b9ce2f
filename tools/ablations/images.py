"""The images of a series: reduced, with whole videos left out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from itrt.errors import InvalidArgumentError
from itrt.train import ImageSet, SegmentationData, leave_out, load_data
from itrt.train.data import Image
from itrt.train.data.sources import SYNTHETIC, open_source


@dataclass(frozen=True)
class SeriesData:
    """What a series is trained and measured on; ``height`` and ``width`` are those of the measured images."""

    title: str
    left_out: tuple[str, ...]
    images: SegmentationData
    height: int
    width: int

    def description(self) -> dict[str, Any]:
        """What two runs must have alike to be compared, as plain data."""
        return {
            "title": self.title,
            "left_out": list(self.left_out),
            "train_images": len(self.images.train),
            "measured_images": len(self.images.validation),
            "height": self.height,
            "width": self.width,
        }


def load_series_data(data: str, dataset: str | None, videos: Sequence[str], reduction: int) -> SeriesData:
    """Load a data set, reduced; its videos that are left out are measured on.

    Parameters
    ----------
    data, dataset
        As for `itrt.train.data.open_source`, with its errors. Drawn scenes are no video: their validation set, other
        streets, is what is measured on.
    videos
        As for `itrt.train.leave_out`, with its errors.
    reduction
        Pixels a side of the squares that become one.
    """
    images = load_data(data, dataset)
    left_out = () if data == SYNTHETIC and dataset is None else tuple(videos)
    if left_out:
        images = leave_out(images, left_out)
    images = replace(images, train=reduced(images.train, reduction), validation=reduced(images.validation, reduction))
    sizes = {label.shape for label in images.validation.labels}
    if len(sizes) != 1:
        raise InvalidArgumentError(f"{data}: expected images of one size to measure on, found {len(sizes)} sizes")
    height, width = sizes.pop()
    return SeriesData(open_source(data, dataset).title, left_out, images, height, width)


def reduced(images: ImageSet, factor: int) -> ImageSet:
    """Average images over squares of ``factor`` pixels a side; a label is that of the pixel in the square's middle.

    What is left over at the bottom and on the right is cut off.
    """
    if factor == 1:
        return images
    pairs = zip(images.images, images.labels, strict=True)
    both = [(_averaged(image, factor), _middle(label, factor)) for image, label in pairs]
    return ImageSet([image for image, _ in both], [label for _, label in both], images.names)


def _averaged(image: Image, factor: int) -> Image:
    height, width = (side // factor for side in image.shape[:2])
    squares = image[: height * factor, : width * factor].reshape(height, factor, width, factor, 3)
    averages: Image = np.rint(squares.mean(axis=(1, 3))).astype(np.uint8)
    return averages


def _middle(label: Image, factor: int) -> Image:
    height, width = (side // factor for side in label.shape)
    middle: Image = label[factor // 2 :: factor, factor // 2 :: factor][:height, :width]
    return middle.copy()
