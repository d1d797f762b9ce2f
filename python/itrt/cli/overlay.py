"""The overlay picture: an image tinted by class, with a legend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

_TINT = 0.6  # share of the class's colour
_EDGE_LIGHT = 0.5  # how much lighter the line between two classes is
_BACKGROUND = (255, 255, 255)
_TEXT = (40, 40, 40)


def draw_overlay(
    image: Pixels,
    labels: NDArray[Any],
    palette: Pixels,
    classes: Sequence[str],
    *,
    side_by_side: bool = False,
    all_classes: bool = False,
) -> Pixels:
    """Draw the picture, RGB u8: as wide as the image, or twice that with the image itself on the left.

    Parameters
    ----------
    image
        What was segmented, (height, width, 3) u8 RGB.
    labels
        The class of every pixel, (height, width).
    palette, classes
        A colour and a name for each class.
    side_by_side
        With the image itself on the left.
    all_classes
        The legend has all classes, not only those that occur: its height is then that of the other frames of a video.
    """
    picture = tint(image, palette[labels], labels)
    if side_by_side:
        gap = np.full((image.shape[0], max(image.shape[1] // 60, 1), 3), _BACKGROUND, np.uint8)
        picture = np.concatenate([image, gap, picture], axis=1)
    shown = range(len(classes)) if all_classes else np.unique(labels)
    legend = draw_legend([(classes[index], palette[index]) for index in shown], picture.shape[1], text_size(image))
    return np.concatenate([picture, legend], axis=0)


def text_size(image: Pixels) -> int:
    """The height of text that suits an image, in pixels."""
    return int(np.clip(image.shape[1] / 32, 11, 32))


def tint(image: Pixels, colors: Pixels, labels: NDArray[Any]) -> Pixels:
    """Mix an image with the colours of its labels, both (height, width, 3), and mark the lines between classes."""
    mixed = (1 - _TINT) * image + _TINT * colors.astype(np.float32)
    edge = np.zeros(labels.shape, bool)
    edge[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    edge[1:] |= labels[1:] != labels[:-1]
    mixed[edge] += _EDGE_LIGHT * (255 - mixed[edge])
    return np.rint(mixed).astype(np.uint8)


def draw_legend(entries: Sequence[tuple[str, Pixels]], width: int, size: int) -> Pixels:
    """Swatches with names in equal columns, filled row by row, as wide as the picture."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(size)
    margin, line = size // 2, round(1.6 * size)
    column = round(max(font.getlength(name) for name, _ in entries)) + 3 * size
    columns = int(np.clip((width - margin) // column, 1, len(entries)))
    rows = -(-len(entries) // columns)
    columns = -(-len(entries) // rows)  # as even as that many rows allow
    column = max(column, (width - margin) // columns) if rows > 1 else column
    canvas = Image.new("RGB", (width, rows * line + margin), _BACKGROUND)
    draw = ImageDraw.Draw(canvas)
    for index, (name, color) in enumerate(entries):
        x = margin + (index % columns) * column
        y = margin // 2 + (index // columns) * line + line // 2
        draw.rectangle((x, y - size // 2, x + size, y + size // 2), fill=tuple(int(value) for value in color))
        draw.text((x + round(1.5 * size), y), name, fill=_TEXT, font=font, anchor="lm")
    return np.asarray(canvas)
