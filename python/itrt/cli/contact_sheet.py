"""The contact sheet: an image and the overlays of all iterations in one picture, with one legend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from itrt.cli.overlay import Pixels, draw_legend, text_size, tint

_BACKGROUND, _TEXT = (255, 255, 255), (40, 40, 40)


def draw_contact_sheet(
    image: Pixels,
    answers: Sequence[NDArray[Any]],
    palette: Pixels,
    classes: Sequence[str],
    *,
    all_classes: bool = False,
) -> Pixels:
    """Draw the picture, RGB u8: the image and an overlay an iteration, each with a caption, as square as they fit.

        image        | iteration 1 | iteration 2
        iteration 3  | iteration 4 |
        legend

    Parameters
    ----------
    image
        What was segmented, (height, width, 3) u8 RGB.
    answers
        The class of every pixel after each iteration, (height, width); at least one.
    palette, classes
        A colour and a name for each class.
    all_classes
        The legend has all classes, not only those that occur.
    """
    size = text_size(image)
    tiles = [_captioned(image, "image", size)]
    for iteration, labels in enumerate(answers, start=1):
        caption = f"iteration {iteration}"
        if iteration < len(answers):
            caption += f": {np.mean(labels == answers[-1]):.1%} as the last"
        tiles.append(_captioned(tint(image, palette[labels], labels), caption, size))
    sheet = _arrange(tiles, gap=max(image.shape[1] // 60, 2))
    shown = range(len(classes)) if all_classes else np.unique(np.stack(answers))
    legend = draw_legend([(classes[index], palette[index]) for index in shown], sheet.shape[1], size)
    return np.concatenate([sheet, legend], axis=0)


def _captioned(picture: Pixels, caption: str, size: int) -> Pixels:
    """The picture below its caption; a caption that is too wide loses its end."""
    from PIL import Image, ImageDraw, ImageFont

    canvas = Image.new("RGB", (picture.shape[1], round(1.6 * size)), _BACKGROUND)
    ImageDraw.Draw(canvas).text((2, 0.8 * size), caption, fill=_TEXT, font=ImageFont.load_default(size), anchor="lm")
    return np.concatenate([np.asarray(canvas), picture], axis=0)


def _arrange(tiles: Sequence[Pixels], gap: int) -> Pixels:
    columns = int(np.ceil(np.sqrt(len(tiles))))
    rows = -(-len(tiles) // columns)
    height, width = tiles[0].shape[:2]
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), _BACKGROUND, np.uint8)
    for index, tile in enumerate(tiles):
        top, left = (index // columns) * (height + gap), (index % columns) * (width + gap)
        sheet[top : top + height, left : left + width] = tile
    return sheet
