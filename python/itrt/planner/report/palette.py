"""Colours of layers: a hue a section, a lightness a layer, told apart by people with any colour vision.

The hues are blue, orange and bluish green of the palette of Okabe and Ito ("Color Universal Design", 2008), which
differ in lightness, too. Neighbours in a section are two steps of lightness apart, so that the edge between them shows.
"""

from __future__ import annotations

from itrt.planner.workload import Section, Workload

IMAGE = "#8c8c8c"
HATCHED = "#777777"  # in a legend, where any layer is meant
CAPACITY = "#d55e00"
PEAK = "#000000"
SERIES = ("#0072b2", "#009e73", "#cc79a7")  # of curves
SECTIONS: dict[Section, str] = {"stem": "#0072b2", "block": "#e69f00", "head": "#009e73"}
_LIGHTNESS = (0.0, 0.34, 0.14, 0.5, 0.24)  # towards white, in an order without neighbours


def layer_color(work: Workload, layer: int | None) -> str:
    """The colour, as #rrggbb, of what a layer writes; None: the image."""
    if layer is None:
        return IMAGE
    section = work.layers[layer].section
    return _lighter(SECTIONS[section], _LIGHTNESS[work.layers[layer].index % len(_LIGHTNESS)])


def text_color(background: str) -> str:
    """Black or white, whichever has more contrast (relative luminance as in WCAG 2.2) on a colour."""
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in _channels(background)
    ]
    luminance = sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    return "#ffffff" if 1.05 / (luminance + 0.05) > (luminance + 0.05) / 0.05 else "#000000"


def _channels(color: str) -> tuple[float, float, float]:
    red, green, blue = (int(color[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return red, green, blue


def _lighter(color: str, share: float) -> str:
    return "#" + "".join(f"{round(255 * (value + (1 - value) * share)):02x}" for value in _channels(color))
