"""The reports' plots, as SVG inside of a page."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from numpy.typing import NDArray

from itrt.cli.evaluation import Evaluation

if TYPE_CHECKING:
    from itrt.converter import LayerHistogram

_MOST_NAMED = 24  # classes whose names and numbers fit into a plot
_STYLE: Any = {
    "svg.fonttype": "none",  # text stays text: small, sharp, to be searched
    "svg.hashsalt": "itrt",  # equal evaluations give equal pages
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def plot_iou(evaluation: Evaluation, palette: NDArray[np.uint8]) -> str:
    """Draw IoU over iterations: a line a class in its colour, and the mean; above 24 classes, all of them in grey."""
    with rc_context(_STYLE):
        figure = Figure(figsize=(6.4, 4.2), layout="constrained")
        axes = figure.subplots()
        steps = [score.iteration for score in evaluation.scores]
        named = len(evaluation.classes) <= _MOST_NAMED
        for index, name in enumerate(evaluation.classes):
            line = [_percent(score.iou[index]) for score in evaluation.scores]
            color = tuple(palette[index] / 255) if named else (0.6, 0.6, 0.6)
            axes.plot(steps, line, "o-", color=color, linewidth=1.4, markersize=3, alpha=1.0 if named else 0.4,
                      label=name if named else None)  # fmt: skip
        mean = [_percent(score.mean_iou) for score in evaluation.scores]
        axes.plot(steps, mean, "o-", color="black", linewidth=2.6, markersize=5, label="mean")
        axes.set(xlabel="iteration", ylabel="IoU, %", ylim=(0, 100), xticks=steps)
        axes.grid(axis="y", alpha=0.3)
        figure.legend(loc="outside right center", frameon=False)
        return _svg(figure)


def plot_confusion(confusion: NDArray[np.int64], classes: tuple[str, ...]) -> str:
    """Draw the matrix, rows in per cent of the label's pixels."""
    totals = confusion.sum(axis=1, keepdims=True)
    shares = 100 * confusion / np.maximum(totals, 1)
    named = len(classes) <= _MOST_NAMED
    side = 1.6 + 0.42 * len(classes) if named else 8.0
    with rc_context(_STYLE):
        figure = Figure(figsize=(side + 0.9, side), layout="constrained")
        axes = figure.subplots()
        picture = axes.imshow(shares, cmap="Blues", vmin=0, vmax=100)
        if named:
            places = range(len(classes))
            axes.set_xticks(places, classes, rotation=45, ha="right", rotation_mode="anchor")
            axes.set_yticks(places, classes)
            for row, column in np.argwhere(shares >= 0.5):
                color = "white" if shares[row, column] > 55 else "black"
                axes.text(column, row, f"{shares[row, column]:.0f}", ha="center", va="center", color=color, fontsize=8)
        axes.set(xlabel="answer", ylabel="label")
        figure.colorbar(picture, ax=axes, label="% of the label's pixels", shrink=0.7)
        return _svg(figure)


def plot_histogram(histogram: LayerHistogram) -> str:
    """Draw how often values occur in float and in int8, on a logarithmic axis, and the limits of the range."""
    with rc_context(_STYLE):
        figure = Figure(figsize=(5.2, 2.6), layout="constrained")
        axes = figure.subplots()
        axes.stairs(histogram.float_counts, histogram.edges, fill=True, color="#9db8d9", label="float")
        axes.stairs(histogram.int8_counts, histogram.edges, color="#c0392b", linewidth=1.1, label="int8")
        for limit in histogram.limits:
            axes.axvline(limit, color="#555", linewidth=0.8, linestyle=":")
        axes.set_yscale("log")
        axes.set(xlabel="value", ylabel="how often")
        figure.legend(loc="outside upper right", ncols=2, frameon=False)
        return _svg(figure)


def _percent(share: float | None) -> float:
    return float("nan") if share is None else 100 * share


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None}, transparent=True)
    text = buffer.getvalue()
    return text[text.index("<svg") :]  # without the prolog: it stands inside of a page
