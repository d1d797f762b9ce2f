"""A plan's memory over time, as rectangles: the geometry that the page and the PNG share.

bytes          stem      block ⟲ k      head
capacity ──────────────┬─────────────┬────────
            ┌────────┐ │ ┌─────────┐ │
            │ image  │ │ │ joined  │ │           a rectangle a piece: what lives around the loop
            ├────────┴─┴─┴─────────┴─┴─────┐     has several
            │ features                     │
            └──────────────────────────────┘
             step: one layer, in the order of the file
"""

from __future__ import annotations

from dataclasses import dataclass

from itrt.planner.footprint import Kind, Piece, PlannedBuffer
from itrt.planner.planning import Plan
from itrt.planner.report import palette
from itrt.planner.schedule import Group, layer_label, section_range
from itrt.planner.workload import SECTIONS, Section

_HEADROOM = 1.08
_FAR_ABOVE = 1.6  # a capacity so many times above the peak would make the buffers flat: it is written at the edge


@dataclass(frozen=True)
class Rectangle:
    """One piece of a buffer: steps [begin, end), bytes [offset, offset + size).

    ``buffer`` is its index in `Footprint.buffers`; ``layer`` as in `PlannedBuffer`.
    """

    buffer: int
    name: str
    kind: Kind
    layer: int | None
    begin: int
    end: int
    offset: int
    size: int


@dataclass(frozen=True)
class Span:
    """Steps [begin, end) of a section; ``executions`` is how often it runs."""

    section: Section
    begin: int
    end: int
    executions: int

    @property
    def often(self) -> str:
        """How often it runs, for people."""
        return "once" if self.executions == 1 else f"{self.executions} x"


@dataclass(frozen=True)
class Picture:
    """One memory of a plan over time.

    Steps are indices of layers, [first_step, end_step); a step of -1 is what happens before the run, such as loading
    weights. ``live_bytes`` is by step, from ``first_step``; ``peak`` is the height of the layout in bytes, reached at
    ``peak_step``. ``top`` is where the picture ends, in bytes; the capacity (None: unknown) may be above.
    """

    memory: str
    first_step: int
    end_step: int
    labels: tuple[str, ...]
    spans: tuple[Span, ...]
    groups: tuple[Group, ...]
    rectangles: tuple[Rectangle, ...]
    live_bytes: tuple[int, ...]
    peak: int
    peak_step: int
    capacity: int | None
    top: int

    @property
    def steps(self) -> int:
        """How many there are."""
        return self.end_step - self.first_step

    @property
    def shows_capacity(self) -> bool:
        """Whether the capacity is inside of the picture."""
        return self.capacity is not None and self.capacity <= self.top


def pictures(plan: Plan) -> tuple[Picture, ...]:
    """Return a picture a memory that holds buffers, the arena's first."""
    roles = plan.target.roles
    used = {buffer.memory for buffer in plan.footprint.buffers}
    return tuple(_picture(plan, memory) for memory in dict.fromkeys((roles.arena, roles.weights)) if memory in used)


def _picture(plan: Plan, memory: str) -> Picture:
    work, end = plan.work, len(plan.work.layers)
    mine = [(index, each) for index, each in enumerate(plan.footprint.buffers) if each.memory == memory]
    first = min([0, *(piece.begin for _, buffer in mine for piece in buffer.pieces)])
    peak = max(buffer.offset + buffer.size for _, buffer in mine)
    live = tuple(sum(buffer.live_bytes(step) for _, buffer in mine) for step in range(first, end))
    capacity = plan.capacity if memory == plan.target.roles.arena else plan.target.memory(memory).size
    return Picture(
        memory=memory,
        first_step=first,
        end_step=end,
        labels=tuple(layer_label(layer) for layer in work.layers),
        spans=tuple(
            Span(section, steps.start, steps.stop, work.executions(section))
            for section in SECTIONS
            if (steps := section_range(work, section))
        ),
        groups=plan.schedule.groups,
        rectangles=tuple(_rectangle(index, buffer, piece) for index, buffer in mine for piece in buffer.pieces),
        live_bytes=live,
        peak=peak,
        peak_step=first + live.index(max(live)),
        capacity=capacity,
        top=_top(peak, capacity),
    )


def _rectangle(index: int, buffer: PlannedBuffer, piece: Piece) -> Rectangle:
    offset = buffer.offset + piece.offset
    return Rectangle(index, buffer.name, buffer.kind, buffer.layer, piece.begin, piece.end, offset, piece.size)


def _top(peak: int, capacity: int | None) -> int:
    highest = peak if capacity is None or capacity > peak * _FAR_ABOVE else max(peak, capacity)
    return max(round(highest * _HEADROOM), 1)


def legend(picture: Picture) -> list[tuple[str, str, Kind]]:
    """Return what a reader has to know: names, colours and kinds of what is in a picture."""
    kinds = {each.kind for each in picture.rectangles}
    writers = {each.layer for each in picture.rectangles if each.kind != "weights"}
    entries: list[tuple[str, str, Kind]] = [("image", palette.IMAGE, "tensor")] if None in writers else []
    entries += [
        (f"{span.section}: a shade a layer", palette.SECTIONS[span.section], "tensor") for span in picture.spans
    ]
    entries += [("weights", palette.HATCHED, "weights")] if "weights" in kinds else []
    entries += [("rows of a tensor", palette.HATCHED, "rows")] if "rows" in kinds else []
    return entries
