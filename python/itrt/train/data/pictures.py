"""Image and label files: checked by their headers at once, decoded one at a time."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from itrt.errors import InvalidArgumentError
from itrt.images import read_image

Pixels = NDArray[np.uint8]
Pair = tuple[Path, Path]
"""An image and its label."""

_RAM_BYTES = 2 << 30  # a data set that decodes to no more is decoded once: CamVid, but not Cityscapes


class StoredPictures(Sequence[Pixels]):
    """Pictures in files; an item is decoded whenever it is asked for.

    Parameters
    ----------
    paths
        The files.
    decode
        From a path to uint8 pixels; raises InvalidArgumentError with the file's name.
    """

    def __init__(self, paths: Sequence[Path], decode: Callable[[Path], Pixels]) -> None:
        self.paths = tuple(paths)
        self._decode = decode

    def __len__(self) -> int:
        return len(self.paths)

    @overload
    def __getitem__(self, index: int) -> Pixels: ...

    @overload
    def __getitem__(self, index: slice) -> "StoredPictures": ...

    def __getitem__(self, index: int | slice) -> "Pixels | StoredPictures":
        if isinstance(index, slice):
            return self.take(range(*index.indices(len(self))))
        return self._decode(self.paths[index])

    def take(self, indices: Sequence[int]) -> "StoredPictures":
        """Return the pictures with these numbers, in this order, not decoded."""
        return StoredPictures([self.paths[index] for index in indices], self._decode)

    def __iter__(self) -> Iterator[Pixels]:
        return (self._decode(path) for path in self.paths)


def check_sizes(pairs: Sequence[Pair]) -> int:
    """Compare the sizes of images and labels without decoding them; return the bytes that all of them decode to.

    Raises
    ------
    InvalidArgumentError
        If a file is no picture, or a label has another size than its image; the message names the file.
    """
    total = 0
    for image, label in pairs:
        width, height = _size(image)
        if _size(label) != (width, height):
            found = "{1}x{0}".format(*_size(label))
            raise InvalidArgumentError(f"label {label}: expected {height}x{width}, as its image {image}, found {found}")
        total += 4 * width * height
    return total


def read_pairs(
    pairs: Sequence[Pair], decode_label: Callable[[Path], Pixels], stored: bool
) -> tuple[Sequence[Pixels], Sequence[Pixels]]:
    """Return images and labels: decoded now if they fit into RAM (2 GiB), else, or if ``stored``, item by item."""
    images = StoredPictures([image for image, _ in pairs], _read_writable)
    labels = StoredPictures([label for _, label in pairs], decode_label)
    if stored or check_sizes(pairs) > _RAM_BYTES:
        return images, labels
    return list(images), list(labels)


def read_label(path: Path, channels: int = 1) -> Pixels:
    """Decode a label as stored: (H, W) values of one 8-bit channel, or (H, W, 3) colours.

    Raises InvalidArgumentError if the file cannot be decoded or has another number of channels.
    """
    try:
        with PillowImage.open(path) as picture:
            # A palette label holds class indices: converting its mode would turn them into grey levels.
            values = np.array(picture if channels == 1 else picture.convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:
        raise InvalidArgumentError(f"label {path}: expected a PNG image, found an undecodable file: {error}") from None
    if channels == 1 and values.ndim != 2:
        raise InvalidArgumentError(f"{path}: expected a label with one channel, found {values.shape[2]} channels")
    if values.dtype not in (np.uint8, np.bool_):
        raise InvalidArgumentError(f"{path}: expected a label of 8 bits a pixel, found {values.dtype}")
    return values.astype(np.uint8)


def _read_writable(path: Path) -> Pixels:
    return read_image(path).copy()  # Pillow's own memory cannot be written, of which torch warns


def _size(path: Path) -> tuple[int, int]:
    try:
        with PillowImage.open(path) as picture:
            return picture.size
    except (OSError, SyntaxError, ValueError) as error:
        raise InvalidArgumentError(f"{path}: expected a PNG image, found an undecodable file: {error}") from None
