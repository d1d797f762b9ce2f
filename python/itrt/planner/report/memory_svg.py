"""The memory picture as inline SVG.

stem │ block  ⟲ k times │ head        sections, with the loop's arrow
─────┼──────────────────┼──────       the capacity
  ▇▇ │ ▇▇▇▇▇▇           │ ▇▇▇▇        buffers: offset x step
▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇
 [ stripes of 8 rows ]                groups of layers that run in stripes
 names of the layers
"""

from __future__ import annotations

from dataclasses import dataclass

from itrt.planner.report import palette
from itrt.planner.report.axes import byte_ticks, size_label
from itrt.planner.report.facts import group_text
from itrt.planner.report.markup import Attributes, Markup, element, joined, line, rectangle, shortened, text, width_of
from itrt.planner.report.picture import Picture, Rectangle, Span
from itrt.planner.workload import Workload
from itrt.text import binary_size

_WIDTH = 1160
_LEFT, _RIGHT, _TOP = 76, 96, 58
_PLOT_HEIGHT = 440
_STRIP, _NAMES = 22, 104
_FONT = 12
_SMALLEST_FONT = 8


@dataclass(frozen=True)
class Scale:
    """From steps and bytes to pixels."""

    picture: Picture

    @property
    def step_width(self) -> float:
        """Of one step."""
        return (_WIDTH - _LEFT - _RIGHT) / self.picture.steps

    def x(self, step: float) -> float:
        """The left edge of a step."""
        return _LEFT + (step - self.picture.first_step) * self.step_width

    def y(self, offset: float) -> float:
        """The height of an offset; 0 is at the bottom."""
        return _TOP + _PLOT_HEIGHT * (1 - offset / self.picture.top)

    @property
    def bottom(self) -> float:
        """Of the plot."""
        return _TOP + _PLOT_HEIGHT

    @property
    def right(self) -> float:
        """Of the plot."""
        return _WIDTH - _RIGHT


def memory_svg(picture: Picture, work: Workload, identifier: str) -> Markup:
    """Return the picture of one memory; ``identifier`` is a word that no other picture of the page has."""
    scale = Scale(picture)
    has_strip = any(group.rows is not None for group in picture.groups)
    height = scale.bottom + (_STRIP if has_strip else 0) + _NAMES
    return element(
        "svg",
        _definitions(identifier),
        joined([_section(scale, span) for span in picture.spans]),
        joined(_grid(scale)),
        joined([_buffer(scale, work, each, identifier) for each in picture.rectangles]),
        joined([_boundaries(scale, span, identifier) for span in picture.spans if span.section == "block"]),
        joined(_limits(scale)),
        joined(_strip(scale, scale.bottom)) if has_strip else Markup(),
        joined(_names(scale, scale.bottom + (_STRIP if has_strip else 0))),
        viewBox=f"0 0 {_WIDTH} {height:g}",
        role="img",
        class_="memory",
        aria_label=f"memory {picture.memory} over time: {binary_size(picture.peak)} at its peak",
    )


def _definitions(identifier: str) -> Markup:
    """Hatches: weights rise, line buffers fall."""

    def hatch(kind: str, *, rising: bool) -> Markup:
        stroke = line(
            0, 7 if rising else 0, 7, 0 if rising else 7, stroke="#ffffff", stroke_opacity=0.55, stroke_width=1.6
        )
        return element("pattern", stroke, id=f"{identifier}-{kind}", width=7, height=7, patternUnits="userSpaceOnUse")

    arrow = element("path", d="M0,0 L7,3.5 L0,7 z", fill="#333333")
    marker = element(
        "marker", arrow, id=f"{identifier}-arrow", markerWidth=8, markerHeight=8, refX=6, refY=3.5, orient="auto"
    )
    return element("defs", hatch("weights", rising=True), hatch("rows", rising=False), marker)


def _section(scale: Scale, span: Span) -> Markup:
    """Its background and its name."""
    left, right = scale.x(span.begin), scale.x(span.end)
    long = f"{span.section}, {span.often}"
    title = long if width_of(long, _FONT + 1) <= right - left else shortened(span.section, _FONT + 1, right - left + 4)
    color = palette.SECTIONS[span.section]
    return joined(
        [
            rectangle(left, _TOP, right - left, _PLOT_HEIGHT, fill=color, fill_opacity=0.07),
            rectangle(left, _TOP - 5, right - left, 5, fill=color),
            text((left + right) / 2, _TOP - 12, title, text_anchor="middle", font_size=_FONT + 1, font_weight="600"),
        ]
    )


def _grid(scale: Scale) -> list[Markup]:
    """Offsets at the left, a faint line between steps."""
    found = []
    for offset in byte_ticks(scale.picture.top):
        y = scale.y(offset)
        found.append(line(_LEFT, y, scale.right, y, stroke="#d9d9d9", stroke_width=1))
        found.append(text(_LEFT - 8, y + 4, size_label(offset), text_anchor="end", font_size=_FONT, fill="#444444"))
    for step in range(scale.picture.first_step, scale.picture.end_step + 1):
        x = scale.x(step)
        found.append(line(x, _TOP, x, scale.bottom, stroke="#ffffff", stroke_width=0.8))
    return found


def _buffer(scale: Scale, work: Workload, each: Rectangle, identifier: str) -> Markup:
    """A rectangle, its hatch, its name where it fits, and its title."""
    left, right = scale.x(each.begin), scale.x(each.end)
    top, bottom = scale.y(each.offset + each.size), scale.y(each.offset)
    color = palette.layer_color(work, each.layer)
    title = element("title", _title(scale.picture, each))
    shapes = [rectangle(left, top, right - left, bottom - top, title, fill=color, stroke="#ffffff", stroke_width=1)]
    if each.kind != "tensor":
        hatch = f"url(#{identifier}-{each.kind})"
        shapes.append(rectangle(left, top, right - left, bottom - top, fill=hatch, pointer_events="none"))
    shapes.append(_label(each, (left, right), (top, bottom), color))
    return element("g", *shapes, class_="buffer", data_buffer=f"{identifier}-{each.buffer}")


def _title(picture: Picture, each: Rectangle) -> str:
    begin = "before the run" if each.begin < 0 else picture.labels[each.begin]
    life = (
        f"lives from {begin} to {picture.labels[each.end - 1]}"
        if each.end - each.begin > 1
        else f"lives during {begin}"
    )
    return f"{each.name}\n{binary_size(each.size)} ({each.size:,} bytes) at offset {each.offset:,}\n{life}"


def _label(each: Rectangle, horizontal: tuple[float, float], vertical: tuple[float, float], color: str) -> Markup:
    """Along the rectangle's longer side; nothing where it does not fit. A halo keeps it readable on a hatch."""
    (left, right), (top, bottom) = horizontal, vertical
    wide, high = right - left, bottom - top
    size = min(_FONT, min(wide, high) - 1)
    if size < _SMALLEST_FONT:
        return Markup()
    upright = width_of(each.name, size) > wide - 6 and high > wide
    content = shortened(each.name, size, (high if upright else wide) - 6)
    if not content:
        return Markup()
    x, y = (left + right) / 2, (top + bottom) / 2
    halo: Attributes = (
        {}
        if each.kind == "tensor"
        else {"stroke": color, "stroke_width": 3, "stroke_linejoin": "round", "paint_order": "stroke"}
    )
    return text(
        x,
        y,
        content,
        text_anchor="middle",
        dominant_baseline="central",
        font_size=float(size),
        fill=palette.text_color(color),
        transform=f"rotate(-90 {x:.2f} {y:.2f})" if upright else None,
        pointer_events="none",
        **halo,
    )


def _boundaries(scale: Scale, span: Span, identifier: str) -> Markup:
    """Where an iteration begins and ends, and the way back."""
    left, right = scale.x(span.begin), scale.x(span.end)
    dashed: Attributes = {"stroke": "#333333", "stroke_width": 1.3, "stroke_dasharray": "5 4"}
    parts = [line(x, _TOP - 5, x, scale.bottom, **dashed) for x in (left, right)]
    if span.executions > 1:
        near, far, y = right - 4, left + 4, 16
        path = (
            f"M{near:.2f},{_TOP - 8} V{y + 6} Q{near:.2f},{y} {near - 6:.2f},{y} "
            f"H{far + 6:.2f} Q{far:.2f},{y} {far:.2f},{y + 6} V{_TOP - 9}"
        )
        arrow = f"url(#{identifier}-arrow)"
        parts.append(element("path", d=path, fill="none", stroke="#333333", stroke_width=1.6, marker_end=arrow))
    return joined(parts)


def _limits(scale: Scale) -> list[Markup]:
    """The capacity, the peak, and the step at which most is live."""
    picture = scale.picture
    y = scale.y(picture.peak)
    x = scale.x(picture.peak_step + 0.5)
    found = [
        line(_LEFT, y, scale.right, y, stroke=palette.PEAK, stroke_width=1.4, stroke_dasharray="2 3"),
        element(
            "path", d=f"M{x - 6:.2f},{y - 10:.2f} L{x + 6:.2f},{y - 10:.2f} L{x:.2f},{y - 1:.2f} z", fill=palette.PEAK
        ),
        *_beside(scale, y, "peak", binary_size(picture.peak), palette.PEAK, below=True),
    ]
    if picture.capacity is None:
        return found
    size = binary_size(picture.capacity)
    if not picture.shows_capacity:
        return [*found, *_beside(scale, _TOP + 8.0, "capacity ↑", size, palette.CAPACITY, below=False)]
    y = scale.y(picture.capacity)
    found.append(line(_LEFT, y, scale.right, y, stroke=palette.CAPACITY, stroke_width=2.2, class_="capacity"))
    return [*found, *_beside(scale, y, "capacity", size, palette.CAPACITY, below=False)]


def _beside(scale: Scale, y: float, name: str, size: str, color: str, *, below: bool) -> list[Markup]:
    """Two lines right of the plot: below a line or above it, so that peak and capacity do not meet."""
    first = y + 12 if below else y - 16
    style: Attributes = {"font_size": _FONT, "fill": color, "font_weight": "600"}
    return [
        text(scale.right + 6, first, name, **style),
        text(scale.right + 6, first + 14, size, **style),
    ]


def _strip(scale: Scale, top: float) -> list[Markup]:
    """Groups that run in stripes."""
    found = []
    for group in scale.picture.groups:
        if group.rows is None:
            continue
        left, right = scale.x(group.first) + 1, scale.x(group.last + 1) - 1
        label = group_text(group)
        words = shortened(label, _FONT - 1, right - left - 4) or shortened(
            str(group.rows), _FONT - 1, right - left + 20
        )
        found.append(
            element(
                "g",
                element("title", f"stripes of {label}"),
                rectangle(left, top + 3, right - left, _STRIP - 6, fill="#e8e8e8", stroke="#666666", rx=3),
                text(
                    (left + right) / 2,
                    top + _STRIP / 2,
                    words,
                    text_anchor="middle",
                    dominant_baseline="central",
                    font_size=_FONT - 1,
                ),
                class_="group",
            )
        )
    return found


def _names(scale: Scale, top: float) -> list[Markup]:
    """Of layers, as many as fit."""
    every = max(1, -(-13 // max(int(scale.step_width), 1)))
    found = []
    for step in range(scale.picture.first_step, scale.picture.end_step):
        if step >= 0 and step % every:
            continue
        label = "before" if step < 0 else scale.picture.labels[step]
        x, y = scale.x(step + 0.5) + 4, top + 12
        found.append(
            text(
                x,
                y,
                shortened(label, _FONT - 1, 125),
                text_anchor="end",
                font_size=_FONT - 1,
                transform=f"rotate(-50 {x:.2f} {y:.2f})",
                fill="#333333",
            )
        )
    return found
