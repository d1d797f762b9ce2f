"""A comparison as a picture: every iteration on the left, the last one's answer of every seed on the right."""

import io
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING

from ablations.comparison import Comparison, Row
from itrt.errors import MissingDependencyError
from itrt.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# The palette of Okabe and Ito ("Color Universal Design", 2008), told apart by people with any colour vision.
_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#8c8c8c")


def draw(comparison: Comparison, path: Path) -> None:
    """Write a PNG of a comparison that has results; MissingDependencyError without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            "matplotlib: expected for the ablations' pictures, found none; pip install 'itrt[plot]'"
        ) from error
    rows = [row for row in comparison.rows if row.results]
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))  # the right one's names are the left one's legend
    for number, row in enumerate(rows):
        _draw_iterations(left, row, _COLORS[number % len(_COLORS)])
        _draw_last(right, row, number, _COLORS[number % len(_COLORS)])
    left.set(xlabel="iteration", ylabel="mean IoU, %", title="after every iteration: mean, lowest, highest")
    left.set_xticks(range(1, max(row.iterations for row in rows) + 1))
    right.set(xlabel="mean IoU, %", title="after the last iteration: seeds (dots), mean (line)")
    right.set_yticks(range(len(rows)), [row.title for row in rows])
    right.set_ylim(len(rows) - 0.5, -0.5)
    for axes in (left, right):
        axes.grid(True, alpha=0.25)
        axes.title.set_fontsize(9)
    contents = io.BytesIO()
    figure.savefig(contents, format="png", dpi=110)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, contents.getvalue())


def _draw_iterations(axes: "Axes", row: Row, color: str) -> None:
    steps = range(1, row.iterations + 1)
    values = [[100 * value for value in row.after(step - 1)] for step in steps]
    axes.plot(steps, [mean(each) for each in values], color=color, marker="o", markersize=4)
    axes.fill_between(steps, [min(each) for each in values], [max(each) for each in values], color=color, alpha=0.15)


def _draw_last(axes: "Axes", row: Row, place: int, color: str) -> None:
    values = [100 * value for value in row.after(-1)]
    axes.plot(values, [place] * len(values), linestyle="none", marker="o", markersize=5, color=color, alpha=0.7)
    axes.vlines(mean(values), place - 0.3, place + 0.3, color=color, linewidth=2)
