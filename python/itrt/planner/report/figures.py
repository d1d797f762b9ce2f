"""The pictures of a plan as a PNG for documents."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from itrt.errors import MissingDependencyError
from itrt.files import write_atomically
from itrt.planner.planning import Plan
from itrt.planner.report import front_figure, memory_figure, palette
from itrt.planner.report.front import curves
from itrt.planner.report.picture import pictures

_INCHES = 11.0  # wide
_DPI = 110
_AXES_POINTS = (_INCHES - 1.4) * 72  # without what is written left and right of them


def require() -> None:
    """Raise an error that says how to install what a picture needs."""
    try:
        import matplotlib  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            "matplotlib: expected for a plan's picture, found none; pip install 'itrt[plot]'"
        ) from error


def write_figure(plans: Sequence[Plan], path: Path, front: Sequence[Plan] = ()) -> None:
    """Write a PNG with the memory of each plan over time and, where there is a front, cost against memory.

    Args:
        plans: one or more; one above the other.
        path: of the PNG.
        front: the plans of a sweep (`planner.sweep`).

    """
    require()
    from matplotlib.figure import Figure

    shown = [(plan, picture) for plan in plans for picture in pictures(plan)]
    costs = curves(front) if front else ()
    heights = [memory_figure.HEIGHT] * len(shown) + [front_figure.HEIGHT] * len(costs)
    figure = Figure(figsize=(_INCHES, sum(heights)), layout="constrained")
    rows = figure.subplots(len(heights), squeeze=False, height_ratios=heights)[:, 0]
    for axes, (plan, picture) in zip(rows, shown, strict=False):
        memory_figure.draw_memory(axes, plan, picture, _AXES_POINTS)
    for number, (axes, curve) in enumerate(zip(rows[len(shown) :], costs, strict=True)):
        front_figure.draw_curve(axes, curve, front, plans[0], palette.SERIES[number])
    if costs:
        rows[-1].set_xlabel("arena")
    contents = io.BytesIO()
    figure.savefig(contents, format="png", dpi=_DPI)
    write_atomically(path, contents.getvalue())
