"""The memory picture by matplotlib; the same geometry as in memory_svg.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from itrt.planner.planning import Plan
from itrt.planner.report import palette
from itrt.planner.report.axes import byte_ticks, size_label
from itrt.planner.report.facts import group_text
from itrt.planner.report.markup import shortened, width_of
from itrt.planner.report.picture import Picture, Rectangle, Span, legend
from itrt.planner.schedule import Group
from itrt.planner.workload import Workload
from itrt.text import binary_size, counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEIGHT = 4.8  # inches
_PLOT_POINTS = 230  # about what is left of the height for the plot, without title and names
_FONT = 7.5
_SMALL_FONT = 6.5
_HATCHES = {"tensor": "", "weights": "////", "rows": "\\\\\\\\"}
_MOST_NAMES = 60  # of layers that can be read side by side


def draw_memory(axes: Axes, plan: Plan, picture: Picture, width: float) -> None:
    """Draw one memory of a plan; ``width`` is that of the axes in points, about."""
    work = plan.work
    image = work.tensors[work.image]
    axes.set(xlim=(picture.first_step, picture.end_step), ylim=(0, picture.top))
    for span in picture.spans:
        _draw_section(axes, picture, span)
    for each in picture.rectangles:
        _draw_buffer(axes, work, picture, each, width)
    for group in picture.groups:
        if group.rows is not None:
            _draw_group(axes, group, len(group.layers) / picture.steps * width)
    _draw_limits(axes, picture)
    _label_axes(axes, picture)
    _draw_legend(axes, picture)
    title = f"{work.name}, {image.height}x{image.width}, {counted(work.iterations, 'iteration')}, on {plan.target.name}"
    axes.set_title(f"{title}: {picture.memory}", fontsize=10, pad=42, loc="left")


def _draw_section(axes: Axes, picture: Picture, span: Span) -> None:
    """Its background and name; a block's iterations begin and end at dashed lines, with the way back above."""
    color = palette.SECTIONS[span.section]
    axes.axvspan(span.begin, span.end, color=color, alpha=0.08, linewidth=0)
    axes.annotate(
        f"{span.section}, {span.often}",
        ((span.begin + span.end) / 2, picture.top),
        xytext=(0, 3),
        textcoords="offset points",
        ha="center",
        fontsize=8,
    )
    if span.section != "block":
        return
    for step in (span.begin, span.end):
        axes.axvline(step, color="#333333", linewidth=1, linestyle=(0, (5, 4)))
    if span.executions > 1:
        corners = [(span.end, 1.0), (span.end, 1.06), (span.begin, 1.06), (span.begin, 1.0)]
        steps, heights = zip(*corners, strict=True)
        upper = axes.get_xaxis_transform()
        axes.plot(steps, heights, transform=upper, color="#333333", linewidth=1.2, clip_on=False)
        axes.plot(span.begin, 1.01, transform=upper, color="#333333", marker="v", markersize=5, clip_on=False)


def _draw_buffer(axes: Axes, work: Workload, picture: Picture, each: Rectangle, width: float) -> None:
    from matplotlib.patches import Rectangle as Patch

    color = palette.layer_color(work, each.layer)
    steps = each.end - each.begin
    patch = Patch((each.begin, each.offset), steps, each.size, facecolor=color, edgecolor="white", linewidth=0.7)
    patch.set_hatch(_HATCHES[each.kind])
    axes.add_patch(patch)
    wide, high = steps / picture.steps * width, each.size / picture.top * _PLOT_POINTS
    upright = high > wide and width_of(each.name, _FONT) > wide
    if min(wide, high) < _FONT + 1:
        return
    axes.text(
        each.begin + steps / 2,
        each.offset + each.size / 2,
        shortened(each.name, _FONT, (high if upright else wide) - 4),
        ha="center",
        va="center",
        rotation=90 if upright else 0,
        fontsize=_FONT,
        color=palette.text_color(color),
        bbox=None if each.kind == "tensor" else {"facecolor": color, "edgecolor": "none", "pad": 0.6},
    )


def _draw_group(axes: Axes, group: Group, width: float) -> None:
    """A bar on the axis, and how the group runs; in `width` points."""
    text = group_text(group)
    axes.plot([group.first + 0.1, group.last + 0.9], [0, 0], color="#333333", linewidth=4, clip_on=False)
    axes.annotate(
        text if width_of(text, _SMALL_FONT) < width else str(group.rows),
        ((group.first + group.last + 1) / 2, 0),
        xytext=(0, 4),
        textcoords="offset points",
        ha="center",
        fontsize=_SMALL_FONT,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
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


def _label_axes(axes: Axes, picture: Picture) -> None:
    ticks = byte_ticks(picture.top)
    axes.set_yticks(ticks, [size_label(tick) for tick in ticks], fontsize=_FONT)
    every = -(-picture.steps // _MOST_NAMES)
    places = [step for step in range(picture.first_step, picture.end_step) if step < 0 or step % every == 0]
    names = ["before" if step < 0 else picture.labels[step] for step in places]
    centers = [step + 0.5 for step in places]
    axes.set_xticks(centers, names, rotation=50, ha="right", rotation_mode="anchor", fontsize=_FONT)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _draw_legend(axes: Axes, picture: Picture) -> None:
    from matplotlib.patches import Patch

    handles = [
        Patch(facecolor=color, edgecolor="white", hatch=_HATCHES[kind], label=name)
        for name, color, kind in legend(picture)
    ]
    axes.legend(
        handles=handles,
        loc="lower right",
        bbox_to_anchor=(1, 1.1),
        ncols=len(handles),
        fontsize=_FONT,
        frameon=False,
        borderpad=0,
        columnspacing=1.2,
        handlelength=1.5,
    )
