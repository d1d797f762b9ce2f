"""The pictures of a plan as a PNG for documents."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from itrt.errors import MissingDependencyError
from itrt.files import write_atomically
from itrt.planner.plan import Plan
from itrt.planner.report import palette
from itrt.planner.report.axes import byte_ticks, size_label, size_ticks
from itrt.planner.report.facts import group_text
from itrt.planner.report.front import Curve, curves, knee
from itrt.planner.report.markup import width_of
from itrt.planner.report.picture import Picture, Rectangle, pictures
from itrt.planner.workload import Workload
from itrt.text import binary_size, counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INCHES = 11.0  # wide
_DPI = 110
_FONT = 7.5
_HATCHES = {"tensor": "", "weights": "////", "rows": "\\\\\\\\"}


def require() -> None:
    """Raise an error that says how to install what a picture needs."""
    try:
        import matplotlib  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            "matplotlib: expected for a plan's picture, found none; pip install 'itrt[bench]'"
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
    heights = [4.4] * len(shown) + [1.7] * len(costs)
    figure = Figure(figsize=(_INCHES, sum(heights)), layout="constrained")
    rows = figure.subplots(len(heights), squeeze=False, height_ratios=heights)[:, 0]
    for axes, (plan, picture) in zip(rows, shown, strict=False):
        _draw_memory(axes, plan, picture)
    for number, (axes, curve) in enumerate(zip(rows[len(shown) :], costs, strict=True)):
        _draw_curve(axes, curve, front, plans[0], palette.SERIES[number])
    if costs:
        rows[-1].set_xlabel("arena")
    contents = io.BytesIO()
    figure.savefig(contents, format="png", dpi=_DPI)
    write_atomically(path, contents.getvalue())


def _draw_memory(axes: Axes, plan: Plan, picture: Picture) -> None:
    work = plan.work
    image = work.tensors[work.image]
    axes.set(xlim=(picture.first_step, picture.end_step), ylim=(0, picture.top))
    for span in picture.spans:
        axes.axvspan(span.begin, span.end, color=palette.SECTIONS[span.section], alpha=0.08, linewidth=0)
        place = (span.begin + span.end) / 2, picture.top
        axes.annotate(
            f"{span.section}, {span.often}", place, xytext=(0, 3), textcoords="offset points", ha="center", fontsize=8
        )
        if span.section == "block":
            for step in (span.begin, span.end):
                axes.axvline(step, color="#333333", linewidth=1, linestyle=(0, (5, 4)))
    for each in picture.rectangles:
        _draw_buffer(axes, work, picture, each)
    for group in picture.groups:
        if group.rows is not None:
            axes.plot([group.first + 0.1, group.last + 0.9], [0, 0], color="#333333", linewidth=4, clip_on=False)
            axes.annotate(
                group_text(group),
                ((group.first + group.last + 1) / 2, 0),
                xytext=(0, 4),
                textcoords="offset points",
                ha="center",
                fontsize=6.5,
                bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
            )
    _draw_limits(axes, picture)
    axes.set_title(
        f"{work.name} at {image.height}x{image.width}, {counted(work.iterations, 'iteration')}, on {plan.target.name}: "
        f"{picture.memory}",
        fontsize=10,
        pad=18,
        loc="left",
    )
    ticks = byte_ticks(picture.top)
    axes.set_yticks(ticks, [size_label(tick) for tick in ticks], fontsize=_FONT)
    steps = range(picture.first_step, picture.end_step)
    every = max(1, picture.steps // 60)
    places = [step for step in steps if step % every == 0]
    names = ["before" if step < 0 else picture.labels[step] for step in places]
    axes.set_xticks(
        [step + 0.5 for step in places], names, rotation=50, ha="right", rotation_mode="anchor", fontsize=_FONT
    )
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _draw_buffer(axes: Axes, work: Workload, picture: Picture, each: Rectangle) -> None:
    from matplotlib.patches import Rectangle as Patch

    color = palette.layer_color(work, each.layer)
    width = each.end - each.begin
    patch = Patch((each.begin, each.offset), width, each.size, facecolor=color, edgecolor="white", linewidth=0.7)
    patch.set_hatch(_HATCHES[each.kind])
    axes.add_patch(patch)
    points_wide = width / picture.steps * (_INCHES - 1.4) * 72
    points_high = each.size / picture.top * 3.2 * 72
    upright = points_high > points_wide and width_of(each.name, _FONT) > points_wide
    if (
        width_of(each.name, _FONT) < (points_high if upright else points_wide)
        and min(points_high, points_wide) > _FONT + 1
    ):
        axes.text(
            each.begin + width / 2,
            each.offset + each.size / 2,
            each.name,
            ha="center",
            va="center",
            rotation=90 if upright else 0,
            fontsize=_FONT,
            color=palette.text_color(color),
            bbox={"facecolor": color, "edgecolor": "none", "pad": 0.6} if each.kind != "tensor" else None,
        )


def _draw_limits(axes: Axes, picture: Picture) -> None:
    axes.axhline(picture.peak, color=palette.PEAK, linewidth=1, linestyle=":")
    axes.plot(picture.peak_step + 0.5, picture.peak, marker="v", color=palette.PEAK, clip_on=False, zorder=5)
    _write_beside(axes, picture.peak, f"peak\n{binary_size(picture.peak)}", palette.PEAK, below=True)
    if picture.capacity is None:
        return
    text = f"capacity\n{binary_size(picture.capacity)}"
    if picture.shows_capacity:
        axes.axhline(picture.capacity, color=palette.CAPACITY, linewidth=1.8)
        _write_beside(axes, picture.capacity, text, palette.CAPACITY, below=False)
    else:
        _write_beside(axes, picture.top, f"↑ {text}", palette.CAPACITY, below=True)


def _write_beside(axes: Axes, offset: int, text: str, color: str, *, below: bool) -> None:
    """Right of the plot, below a line or above it, so that peak and capacity do not meet."""
    axes.annotate(
        text,
        (1, offset),
        xycoords=("axes fraction", "data"),
        xytext=(4, -2 if below else 0),
        textcoords="offset points",
        va="top" if below else "bottom",
        color=color,
        fontsize=8,
        annotation_clip=False,
    )


def _draw_curve(axes: Axes, curve: Curve, front: Sequence[Plan], chosen: Plan, color: str) -> None:
    sizes = [plan.arena_bytes for plan in front]
    low, high = min(sizes) * 0.92, max(sizes) * 1.08
    axes.step([*sizes, high], [*curve.values, curve.values[-1]], where="post", color=color, linewidth=1.6)
    axes.plot(sizes, curve.values, marker="o", linestyle="none", markersize=4, color=color)
    axes.axvline(min(max(chosen.arena_bytes, low), high), color=palette.CAPACITY, linewidth=1.2, linestyle=(0, (5, 4)))
    bend = knee(front)
    if bend is not None:
        value = curve.values[[plan is bend for plan in front].index(True)]
        axes.plot(
            bend.arena_bytes, value, marker="o", markersize=8, markeredgewidth=2, color=color, markerfacecolor="white"
        )
        label = f"knee: {binary_size(bend.arena_bytes)}"
        axes.annotate(label, (bend.arena_bytes, value), xytext=(8, 5), textcoords="offset points", fontsize=8)
    axes.set(xscale="log", xlim=(low, high), ylim=(0, max(curve.values) * 1.15 or 1))
    ticks = size_ticks(round(low), round(high))
    axes.set_xticks(ticks, [size_label(tick) for tick in ticks], fontsize=_FONT)
    axes.minorticks_off()
    axes.tick_params(axis="y", labelsize=_FONT)
    axes.set_title(f"{curve.name}, {curve.unit}", fontsize=8.5, loc="left", color=color)
    axes.grid(True, alpha=0.25)
