"""Cost against memory by matplotlib; the same as in front_svg.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from itrt.planner.planning import Plan
from itrt.planner.report import palette
from itrt.planner.report.axes import size_label, size_ticks
from itrt.planner.report.front import Curve, knee
from itrt.text import binary_size

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEIGHT = 1.7  # inches
_FONT = 7.5


def draw_curve(axes: Axes, curve: Curve, front: Sequence[Plan], chosen: Plan, color: str) -> None:
    """Draw one cost over the arena's bytes; a line marks the plan that was chosen."""
    sizes = [plan.arena_bytes for plan in front]
    low, high = min(sizes) * 0.92, max(sizes) * 1.08
    axes.step([*sizes, high], [*curve.lowest, curve.lowest[-1]], where="post", color=color, linewidth=1.6)
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
