"""Cost against memory as inline SVG: a panel a cost, one above the other, with one axis of memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log2

from itrt.planner.planning import Plan
from itrt.planner.report import palette
from itrt.planner.report.axes import size_label, size_ticks, ticks
from itrt.planner.report.front import Curve, curves, knee
from itrt.planner.report.markup import Attributes, Markup, element, joined, line, rectangle, text
from itrt.text import binary_size

_WIDTH = 1160
_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 96, 24, 46
_PANEL, _SPACE = 150, 34
_FONT = 12


@dataclass(frozen=True)
class _Axes:
    """From bytes (logarithmic) and a cost to pixels."""

    low: int
    high: int
    top: float
    highest: float

    def x(self, size: float) -> float:
        span = log2(self.high) - log2(self.low)
        share = (log2(size) - log2(self.low)) / span if span else 0.5
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        return self.top + _PANEL * (1 - value / self.highest)


def front_svg(front: Sequence[Plan], chosen: Plan) -> Markup:
    """Return the picture of a trade-off front; ``chosen`` is the plan that the page is about."""
    found = curves(front)
    sizes = [plan.arena_bytes for plan in front]
    low, high = round(min(sizes) * 0.92), round(max(sizes) * 1.08)
    height = _TOP + len(found) * (_PANEL + _SPACE) - _SPACE + _BOTTOM
    parts = []
    for number, curve in enumerate(found):
        top = _TOP + number * (_PANEL + _SPACE)
        axes = _Axes(low, high, top, max(curve.values) * 1.12 or 1.0)
        parts.append(_panel(axes, curve, front, chosen, palette.SERIES[number]))
    parts.append(text((_LEFT + _WIDTH - _RIGHT) / 2, height - 6, "arena", text_anchor="middle", font_size=_FONT))
    parts += _size_axis(_Axes(low, high, 0, 1), height - _BOTTOM)
    return element(
        "svg",
        joined(parts),
        viewBox=f"0 0 {_WIDTH} {height}",
        role="img",
        class_="front",
        aria_label="cost of a run against the size of the arena",
    )


def _panel(axes: _Axes, curve: Curve, front: Sequence[Plan], chosen: Plan, color: str) -> Markup:
    right, bottom = _WIDTH - _RIGHT, axes.top + _PANEL
    parts = [rectangle(_LEFT, axes.top, right - _LEFT, _PANEL, fill="#f7f7f7")]
    for value in ticks(axes.highest, 4):
        y = axes.y(value)
        parts.append(line(_LEFT, y, right, y, stroke="#d9d9d9"))
        parts.append(text(_LEFT - 8, y + 4, f"{value:,.6g}", text_anchor="end", font_size=_FONT, fill="#444444"))
    parts.append(
        text(_LEFT, axes.top - 7, f"{curve.name}, {curve.unit}", font_size=_FONT + 1, font_weight="600", fill=color)
    )
    x = axes.x(min(max(chosen.arena_bytes, axes.low), axes.high))
    parts.append(line(x, axes.top, x, bottom, stroke=palette.CAPACITY, stroke_width=1.6, stroke_dasharray="5 4"))
    parts.append(element("path", d=_steps(axes, curve, front), fill="none", stroke=color, stroke_width=2.2))
    bend = knee(front)
    for plan, value in zip(front, curve.values, strict=True):
        title = element("title", f"{binary_size(plan.arena_bytes)}: {value:,.6g} {curve.unit}")
        is_knee = plan is bend
        style: Attributes = {
            "fill": "#ffffff" if is_knee else color,
            "stroke": color,
            "stroke_width": 2.5 if is_knee else 1,
        }
        parts.append(
            element("circle", title, cx=axes.x(plan.arena_bytes), cy=axes.y(value), r=7 if is_knee else 4, **style)
        )
        if is_knee:
            label = f"knee: {binary_size(plan.arena_bytes)}"
            parts.append(
                text(axes.x(plan.arena_bytes) + 11, axes.y(value) - 9, label, font_size=_FONT, font_weight="600")
            )
    return joined(parts)


def _steps(axes: _Axes, curve: Curve, front: Sequence[Plan]) -> str:
    """The least cost of all plans that a memory holds."""
    path = ""
    for plan, value in zip(front, curve.lowest, strict=True):
        x, y = axes.x(plan.arena_bytes), axes.y(value)
        path += f"H{x:.2f} V{y:.2f} " if path else f"M{x:.2f},{y:.2f} "
    return f"{path}H{_WIDTH - _RIGHT}"


def _size_axis(axes: _Axes, y: float) -> list[Markup]:
    found = []
    for size in size_ticks(axes.low, axes.high):
        x = axes.x(size)
        found.append(line(x, y, x, y + 5, stroke="#444444"))
        found.append(text(x, y + 18, size_label(size), text_anchor="middle", font_size=_FONT, fill="#444444"))
    return found
