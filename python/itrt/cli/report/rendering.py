"""What the pages share: the template engine, colours, and pictures that are part of the page."""

from __future__ import annotations

import base64
import io
from importlib import metadata
from typing import Any

import jinja2
import numpy as np
from numpy.typing import NDArray

from itrt.cli.overlay import Pixels

_MOST_PIXELS_WIDE = 640  # of a picture in the page; larger images are reduced


def render(template: str, **values: Any) -> str:
    """Fill a template of this package; whatever is not `markupsafe.Markup` is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("itrt.cli.report", ""), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(template).render(version=metadata.version("itrt"), **values)


def css_color(color: NDArray[np.uint8]) -> str:
    """A colour (red, green, blue), 0..255, in a style."""
    red, green, blue = (int(channel) for channel in color)
    return f"rgb({red},{green},{blue})"


def marked(image: Pixels, labels: NDArray[Any], where: NDArray[np.bool_], palette: Pixels) -> Pixels:
    """The image, dark, and the colours of labels where they are of interest."""
    picture = image // 3
    picture[where] = palette[labels[where]]
    return picture


def data_url(pixels: Pixels) -> str:
    """A JPEG inside of an address, so that the page is one file."""
    from PIL import Image

    picture = Image.fromarray(pixels)
    if picture.width > _MOST_PIXELS_WIDE:
        picture = picture.resize((_MOST_PIXELS_WIDE, round(picture.height * _MOST_PIXELS_WIDE / picture.width)))
    buffer = io.BytesIO()
    picture.save(buffer, format="JPEG", quality=88, subsampling=0)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
