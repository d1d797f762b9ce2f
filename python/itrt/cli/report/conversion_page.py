"""The report of a conversion: where int8 loses what, and what was done about it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from itrt.cli import console
from itrt.cli.overlay import tint
from itrt.cli.report.plots import plot_histogram
from itrt.cli.report.rendering import css_color, data_url, marked, render
from itrt.text import decibel, shortened

if TYPE_CHECKING:
    from itrt.converter import ChangedImage, Conversion, Examination, LayerDifference

_COLDEST_DB, _WARMEST_DB = 10.0, 40.0  # where the colours of the heat map end
_COLORS = np.array([(214, 96, 77), (247, 201, 165), (250, 244, 224), (190, 222, 214), (94, 170, 160)], np.float64)


def conversion_page(conversion: Conversion, examination: Examination, arguments: Sequence[tuple[str, str]]) -> str:
    """Return the page.

    Parameters
    ----------
    conversion, examination
        What was converted, and what `itrt.converter.examine` found.
    arguments
        Names and values of what the command was given.
    """
    parity = conversion.parity
    assert parity is not None, "an examination needs the report's images"
    program = conversion.program
    palette = np.array(program.palette, np.uint8)
    steps = sorted({layer.step for layer in examination.layers if layer.step is not None})
    return render(
        "conversion.html",
        name=program.name,
        images=console.counted(parity.images, "image"),
        facts=_facts(conversion, arguments),
        iterations=parity.iterations,
        variants=parity.variants,
        notes=parity.notes,
        steps=steps,
        maps=[
            ("as it runs, with the errors of what came before", _heat(examination.layers, steps, "snr_db")),
            ("alone, with float's inputs rounded to 8 bits", _heat(examination.layers, steps, "own_snr_db")),
        ],
        worth=examination.worth,
        histograms=[
            {"title": _title(each.layer), "plot": Markup(plot_histogram(each)), "clipped": each.layer.clipped}
            for each in examination.histograms
        ],
        legend=[
            {"name": name, "colour": css_color(color)} for name, color in zip(program.classes, palette, strict=True)
        ],
        changed=[_pictures(each, palette) for each in examination.changed],
    )


def _facts(conversion: Conversion, arguments: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    program, parity = conversion.program, conversion.parity
    assert parity is not None
    last = parity.iterations[-1]
    return [
        ("equal labels", f"{100 * last.equal_labels:.2f} % after {console.counted(last.iteration, 'iteration')}"),
        ("file", f"{conversion.path.name}, {console.binary_size(conversion.path.stat().st_size)}"),
        ("classes", str(len(program.classes))),
        *((name, shortened(value)) for name, value in program.metadata.items()),
        *arguments,
    ]


def _heat(layers: Sequence[LayerDifference], steps: Sequence[int], field: str) -> list[dict[str, object]]:
    """A row a layer, a cell for the stem and each iteration: the ratio, or nothing where the layer does not run."""
    ratios = {(layer.tensor, layer.step): getattr(layer, field) for layer in layers}
    return [
        {"name": name, "cells": [_cell(ratios.get((name, step))) for step in (None, *steps)]}
        for name in dict.fromkeys(layer.tensor for layer in layers)
    ]


def _cell(ratio: float | None) -> dict[str, str]:
    return {"text": "", "colour": "transparent"} if ratio is None else {"text": decibel(ratio), "colour": _color(ratio)}


def _color(ratio: float) -> str:
    """From red, much noise, to green, little; all are light enough for dark text."""
    share = 1.0 if math.isinf(ratio) and ratio > 0 else (ratio - _COLDEST_DB) / (_WARMEST_DB - _COLDEST_DB)
    place = float(np.clip(share, 0.0, 1.0)) * (len(_COLORS) - 1)
    channels = [np.interp(place, np.arange(len(_COLORS)), _COLORS[:, channel]) for channel in range(3)]
    return css_color(np.rint(channels).astype(np.uint8))


def _title(layer: LayerDifference) -> str:
    when = "in the stem" if layer.step is None else f"in iteration {layer.step + 1}"
    return f"{layer.tensor} {when}: {decibel(layer.own_snr_db)} dB alone, {decibel(layer.snr_db)} dB as it runs"


def _pictures(changed: ChangedImage, palette: NDArray[np.uint8]) -> dict[str, object]:
    image, labels = changed.image, changed.labels
    float_labels, int8_labels = labels.float_labels, labels.int8_labels
    pictures = (
        ("image", image),
        ("labels of float", tint(image, palette[float_labels], float_labels)),
        ("labels of int8", tint(image, palette[int8_labels], int8_labels)),
        ("where they differ, in int8's colours", marked(image, int8_labels, float_labels != int8_labels, palette)),
    )
    return {
        "title": f"image {changed.index + 1}: {100 * labels.changed:.2f} % of the labels",
        "pictures": [{"caption": caption, "url": data_url(pixels)} for caption, pixels in pictures],
    }
