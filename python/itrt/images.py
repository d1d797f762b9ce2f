"""Images in and label pictures out: the only module that imports Pillow, and only when a path or a PNG is asked for."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from itrt.errors import InvalidArgumentError, MissingDependencyError, MissingFileError
from itrt.files import write_atomically

Image = NDArray[np.uint8] | str | os.PathLike[str] | Any  # Any: a PIL image, whose package may not be installed


_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".ppm"})


def _pillow() -> ModuleType:
    try:
        import PIL.Image
    except ImportError as error:
        raise MissingDependencyError("Pillow: expected for image files, found none; pip install itrt[cli]") from error
    return PIL.Image


def read_image(image: Image) -> NDArray[np.uint8]:
    """An image as a contiguous array, (height, width, 3) u8, RGB.

    Parameters
    ----------
    image
        Such an array, the path of an image file, or a PIL image.

    Raises
    ------
    InvalidArgumentError
        For another type, shape or dtype, and for a file that is no image.
    MissingFileError
        If there is no such file.
    """
    if isinstance(image, str | os.PathLike):
        return _read_file(Path(image))
    if isinstance(image, np.ndarray):
        return _check_array(image)
    if hasattr(image, "convert") and hasattr(image, "getbands"):
        return np.ascontiguousarray(image.convert("RGB"), dtype=np.uint8)
    raise InvalidArgumentError(
        f"image: expected an array (height, width, 3) uint8, a path or a PIL image, found {type(image).__name__}"
    )


def each_image(name: str, images: Iterable[Image]) -> Iterator[Image]:
    """Iterate over images, or raise InvalidArgumentError with this name for what is none, or one alone."""
    if isinstance(images, str | bytes | os.PathLike):
        raise InvalidArgumentError(f"{name}: expected images, found one name, {images!r}")
    try:
        return iter(images)
    except TypeError as error:
        raise InvalidArgumentError(f"{name}: expected an iterable of images, found {type(images).__name__}") from error


def _check_array(image: NDArray[Any]) -> NDArray[np.uint8]:
    if image.ndim != 3 or image.shape[2] != 3 or image.shape[0] < 1 or image.shape[1] < 1:
        raise InvalidArgumentError(f"image: expected shape (height, width, 3), found {image.shape}")
    if image.dtype != np.uint8:
        raise InvalidArgumentError(f"image: expected dtype uint8 with values from 0 to 255, found {image.dtype}")
    return np.ascontiguousarray(image)


def _read_file(path: Path) -> NDArray[np.uint8]:
    if not path.is_file():
        raise MissingFileError(f"image: expected a file at {path}, found {'a directory' if path.is_dir() else 'none'}")
    pillow = _pillow()
    try:
        with pillow.open(path) as picture:
            return np.ascontiguousarray(picture.convert("RGB"), dtype=np.uint8)
    except (OSError, ValueError, SyntaxError, pillow.DecompressionBombError) as error:  # Pillow: a broken PNG chunk
        raise InvalidArgumentError(f"image {path}: expected an image file, found {error}") from error


def images_in(directory: Path, name: str) -> list[Path]:
    """Return the image files directly in a directory, sorted; errors call it `name`.

    Raises
    ------
    MissingFileError
        If there is no such directory, or no image in it.
    """
    if not directory.is_dir():
        raise MissingFileError(f"{name}: expected a directory of images, found no directory {directory}")
    paths = sorted(path for path in directory.iterdir() if path.suffix.lower() in _SUFFIXES and path.is_file())
    if not paths:
        raise MissingFileError(f"{name}: expected images ({', '.join(sorted(_SUFFIXES))}) in {directory}, found none")
    return paths


def check_png_path(path: str | os.PathLike[str]) -> Path:
    """The path if a PNG can be written there; InvalidArgumentError or MissingFileError otherwise."""
    target = Path(path)
    if target.suffix.lower() != ".png":
        found = target.suffix or "none"
        raise InvalidArgumentError(f"output {target}: expected a name that ends in .png, found {found}")
    if not target.parent.is_dir():
        raise MissingFileError(f"output {target}: expected the directory {target.parent}, found none")
    return target


def write_label_png(labels: NDArray[Any], palette: NDArray[np.uint8], path: str | os.PathLike[str]) -> None:
    """Write labels, (height, width), as a palette PNG (8 bit), or above 256 classes as 16-bit grey levels."""
    target = check_png_path(path)
    pillow = _pillow()
    if labels.dtype == np.uint8:
        picture = pillow.fromarray(labels)
        if len(palette):
            picture.putpalette(palette.tobytes(), "RGB")
    else:
        picture = pillow.fromarray(labels)
    write_atomically(target, _encode_png(picture))


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """An RGB image, (height, width, 3) u8, as the bytes of a PNG."""
    return _encode_png(_pillow().fromarray(np.ascontiguousarray(pixels)))


def write_png(pixels: NDArray[np.uint8], path: str | os.PathLike[str]) -> None:
    """Write an RGB image, (height, width, 3) u8."""
    target = check_png_path(path)
    write_atomically(target, encode_png(pixels))


def _encode_png(picture: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
