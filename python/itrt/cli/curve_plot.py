"""The picture of ``itrt curve``: mean IoU over milliseconds and over multiply-accumulates."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from itrt.cli.curve_points import Point
from itrt.errors import MissingDependencyError
from itrt.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# By kind of point: what the legend calls it, how it looks, and where its name is: points of several kinds may meet.
_STYLES = {
    "iterations": ("so many iterations", "tab:blue", "o-", (-5, 5)),
    "deadline": ("deadline", "tab:orange", "s", (0, -20)),
    "stable": ("labels are stable", "tab:green", "^", (5, -9)),
    "warm": ("warm start", "tab:red", "v", (5, 5)),
}


def require() -> None:
    """Raise an error that says how to install what a picture needs."""
    try:
        import matplotlib  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            "matplotlib: expected for --output, found none; pip install 'itrt[plot]'"
        ) from error


def write_curve(points: Sequence[Point], title: str, path: Path) -> None:
    """Write a PNG: on the left over the median milliseconds, on the right over the mean GMAC of an image.

    Points without an answer are left out; of the warm starts, the best for each number of iterations is drawn.
    """
    require()
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 5), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    figure.suptitle(title)
    points = [*(point for point in points if point.kind != "warm"), *_best_warm(points)]
    _draw(left, points, lambda point: point.milliseconds)
    left.set(xlabel="milliseconds from image to labels, median", ylabel="mean IoU, %")
    left.legend()
    _draw(right, points, lambda point: None if point.macs is None else point.macs / 1e9)
    right.set(xlabel="GMAC an image, mean")
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=120)
    write_atomically(path, picture.getvalue())


def _draw(axes: Axes, points: Sequence[Point], cost: Callable[[Point], float | None]) -> None:
    for kind, (label, color, style, place) in _STYLES.items():
        marks = [
            (value, 100 * point.mean_iou, _name(point))
            for point in points
            if point.kind == kind and point.mean_iou is not None and (value := cost(point)) is not None
        ]
        if marks:
            costs, scores, names = zip(*marks, strict=True)
            axes.plot(costs, scores, style, color=color, label=label)
            for value, score, name in zip(costs, scores, names, strict=True):
                side = "left" if place[0] > 0 else "right" if place[0] < 0 else "center"
                axes.annotate(
                    name, (value, score), xytext=place, textcoords="offset points", fontsize=7, color=color, ha=side
                )
    axes.margins(x=0.15, y=0.1)  # room for the names
    axes.grid(True, alpha=0.25)


def _best_warm(points: Sequence[Point]) -> list[Point]:
    best: dict[float, Point] = {}
    for point in points:
        if point.kind == "warm" and point.mean_iou is not None:
            other = best.setdefault(point.setting, point)
            if point.mean_iou > (other.mean_iou or 0):
                best[point.setting] = point
    return list(best.values())


def _name(point: Point) -> str:
    match point.kind:
        case "deadline":
            return f"{point.setting:g} ms"
        case "warm":
            return f"{point.setting:g}: {point.share:g}, step {point.first_step}"
        case _:
            return f"{point.setting:g}"
