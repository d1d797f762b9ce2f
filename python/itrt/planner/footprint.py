"""The memory of a schedule: every buffer with its lifetime, and where the solver puts it.

Time counts layers in the order of the file: stem, block, head. A layer of a group that runs in stripes lives with its
whole group, but for what exists within one stripe alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from itrt import _core
from itrt.planner.accelerator import Accelerator
from itrt.planner.rows import GroupRows, LineBuffer, group_rows
from itrt.planner.schedule import Group, Halo, Schedule, TensorUses, WeightMode, layer_label
from itrt.planner.workload import Workload

Kind = Literal["tensor", "rows", "weights"]
StripeRow = tuple[str, int, int, int]
"""Section, first and last operator, rows: what the compiled module takes."""


@dataclass(frozen=True)
class Piece:
    """Bytes that a buffer occupies during the layers of the half-open range (begin, end), above the buffer's offset."""

    begin: int
    end: int
    size: int
    offset: int = 0


@dataclass(frozen=True)
class PlacedTensor:
    """A tensor in its buffer: it begins ``start`` bytes above the buffer's offset.

    A convolution may write over its own input, which then begins above the output. ``pixel_bytes``, from one pixel to
    the next, are the tensor's channels; of a view, an input of a concatenation or a split, those of what it is a part
    of.
    """

    index: int
    start: int
    pixel_bytes: int


@dataclass(frozen=True)
class PlannedBuffer:
    """A buffer: whole tensors that share it, rows of a tensor, or weights; of a session, sums of hoisted terms, too.

    ``layer`` is the one that writes it, or whose weights it holds (None: the image). ``pieces`` say when it occupies
    what. ``offset`` is in bytes from the start of its memory. ``tensors`` are those that lie in it as a whole.
    """

    name: str
    kind: Kind
    layer: int | None
    pieces: tuple[Piece, ...]
    memory: str
    offset: int = 0
    tensors: tuple[PlacedTensor, ...] = ()

    @property
    def size(self) -> int:
        """Bytes from its offset to its highest end."""
        return max(piece.offset + piece.size for piece in self.pieces)

    def live_bytes(self, layer: int) -> int:
        """Bytes that it occupies while a layer runs."""
        return sum(piece.size for piece in self.pieces if piece.begin <= layer < piece.end)


@dataclass(frozen=True)
class Footprint:
    """All buffers with their offsets.

    ``arena_bytes`` is the height of the arena's memory, ``weight_bytes`` that of the memory of resident weights where
    it is another one (else 0). ``lower_bound`` and ``proven`` are of the arena.
    """

    buffers: tuple[PlannedBuffer, ...]
    arena_bytes: int
    weight_bytes: int
    lower_bound: int
    proven: bool


class Planner:
    """Everything of a program at an image's size that all of its schedules share."""

    def __init__(self, program: _core.Program, work: Workload, accelerator: Accelerator):
        self.program, self.work, self.accelerator = program, work, accelerator
        self.uses = TensorUses.find(work)
        self.alignment = accelerator.granularity.address or 1
        self.end = len(work.layers)
        self.one_memory = accelerator.roles.arena == accelerator.roles.weights
        self._near: dict[tuple[int, int], frozenset[int]] = {}
        self._rows: dict[tuple[Group, frozenset[int]], GroupRows] = {}

    def rows(self, group: Group, spilled: frozenset[int]) -> GroupRows | None:
        """The rows of a group; None for one without stripes."""
        if group.rows is None:
            return None
        near = self.near(group, spilled)
        key = group, near
        if key not in self._rows:
            self._rows[key] = group_rows(self.work, self.uses, group, near)
        return self._rows[key]

    def near(self, group: Group, spilled: frozenset[int]) -> frozenset[int]:
        """The spilled tensors that a group reads or writes."""
        place = group.first, group.last
        if place not in self._near:
            self._near[place] = self.uses.near(group.layers)
        return spilled & self._near[place]

    def tensor_buffers(self, schedule: Schedule, *, aliased: bool) -> list[PlannedBuffer]:
        """Whole tensors; those that operators may write over one another share a buffer.

        With ``aliased`` convolutions and pools do so, too, some rows behind what they still read, and concatenations
        and splits are not copied.
        """
        striped = [(group.first, group.last + 1) for group in schedule.groups if group.rows is not None]
        lines = {line.tensor for group in schedule.groups for line in self.lines(group, schedule.spilled)}
        absent = sorted(lines | schedule.spilled)
        rows = (self.accelerator.granularity.rows or 1) if aliased else 0
        found = _core.plan.tensor_buffers(
            self.program, *self.image_size, self.alignment, striped, absent, rows, aliased
        )
        return [
            self.tensor_buffer([place for place in places if place[0] not in absent], pieces)
            for places, pieces in found
            if any(size for *_, size in pieces)
        ]

    def tensor_buffer(
        self, places: Sequence[tuple[int, int, int]], pieces: Sequence[tuple[int, int, int, int]]
    ) -> PlannedBuffer:
        """One that tensors share, from the compiled planner's rows for tensors and for pieces."""
        placed = tuple(PlacedTensor(*place) for place in places)
        tensors = [self.work.tensors[each.index] for each in placed]
        size = max(offset + size for _, _, offset, size in pieces)
        return PlannedBuffer(
            name=" = ".join(tensor.name for tensor in tensors),
            kind="rows" if size < max(tensor.bytes for tensor in tensors) else "tensor",
            layer=self.uses.of[placed[0].index].writer,
            pieces=tuple(Piece(begin, end, size, offset) for begin, end, offset, size in pieces),
            memory=self.accelerator.roles.arena,
            tensors=placed,
        )

    def sums_buffer(self, pieces: Sequence[tuple[int, int, int, int]]) -> PlannedBuffer:
        """One of what a session of the runtime has summed up before the loop: it belongs to no tensor."""
        (begin, end, offset, size) = pieces[0]
        memory = self.accelerator.roles.arena
        return PlannedBuffer("hoisted sums", "tensor", begin, (Piece(begin, end, size, offset),), memory)

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width."""
        image = self.work.tensors[self.work.image]
        return image.height, image.width

    def lines(self, group: Group, spilled: frozenset[int]) -> tuple[LineBuffer, ...]:
        """Its line buffers."""
        rows = self.rows(group, spilled)
        return () if rows is None else rows.lines

    def line_buffers(self, group: Group, spilled: frozenset[int]) -> list[PlannedBuffer]:
        """Rows of tensors that a group holds a few at a time."""
        found = []
        for line in self.lines(group, spilled):
            transient = group.halo is Halo.RECOMPUTED and group.passes == 1
            lifetime = (line.first, line.last + 1) if transient else (group.first, group.last + 1)
            tensor = self.work.tensors[line.tensor]
            turn = f", iteration {line.copy + 1} of {group.passes}" if group.passes > 1 else ""
            name = f"{tensor.name}: {line.rows} of {tensor.height} rows{turn}"
            piece = Piece(*lifetime, line.bytes)
            found.append(PlannedBuffer(name, "rows", line.first, (piece,), self.accelerator.roles.arena))
        return found

    def weight_buffer(self, layer_index: int, schedule: Schedule) -> PlannedBuffer | None:
        """Where a layer's weights are while they are near."""
        layer = self.work.layers[layer_index]
        if not layer.constant_bytes:
            return None
        placement = schedule.weights[layer_index]
        group = schedule.group_of(layer_index)
        label = f"weights of {layer_label(layer)}"
        match placement.mode:
            case WeightMode.RESIDENT:
                size, lifetime = self.resident_bytes(layer_index), (-1, self.end)
            case WeightMode.HELD:
                size = layer.weights.held(group.passes) + layer.vectors.held(group.passes)
                lifetime = group.first, group.last + 1
            case WeightMode.SPLIT:
                size, lifetime = self.split_bytes(layer_index, placement.parts), (layer_index, layer_index + 1)
                label += f", {placement.parts} parts"
        return PlannedBuffer(label, "weights", layer_index, (Piece(*lifetime, size),), self.accelerator.roles.weights)

    def resident_bytes(self, layer_index: int) -> int:
        """Weights and vectors of all steps."""
        layer = self.work.layers[layer_index]
        steps = self.work.executions(layer.section)
        return layer.weights.held(steps) + layer.vectors.held(steps)

    def split_bytes(self, layer_index: int, parts: int) -> int:
        """One part; two where the next one arrives while the units compute."""
        part = -(-self.work.layers[layer_index].constant_bytes // parts)
        return part * (2 if self.accelerator.overlap and parts > 1 else 1)

    def buffers(self, schedule: Schedule, *, aliased: bool) -> list[PlannedBuffer]:
        """All of them, without offsets; ``aliased`` as in `tensor_buffers`."""
        weights = (self.weight_buffer(index, schedule) for index in range(self.end))
        return [
            *self.tensor_buffers(schedule, aliased=aliased),
            *(line for group in schedule.groups for line in self.line_buffers(group, schedule.spilled)),
            *(buffer for buffer in weights if buffer is not None),
        ]


def lay_out(planner: Planner, schedule: Schedule, nodes: int, capacity: int | None = None) -> Footprint:
    """Return a schedule's buffers with offsets; ``nodes`` limits the search, ``capacity`` is good enough for it.

    Tensors are aliased where that is needed and helps: what ties two of them together may also cost an offset that
    either of them alone would have had.
    """
    apart = _laid_out(planner, planner.buffers(schedule, aliased=False), nodes, capacity)
    if capacity is not None and apart.arena_bytes <= capacity:
        return apart
    aliased = _laid_out(planner, planner.buffers(schedule, aliased=True), nodes, capacity)
    return min(apart, aliased, key=lambda each: each.arena_bytes)


def _laid_out(planner: Planner, buffers: Sequence[PlannedBuffer], nodes: int, capacity: int | None) -> Footprint:
    arena, weights = planner.accelerator.roles.arena, planner.accelerator.roles.weights
    placed: list[PlannedBuffer] = []
    heights = {arena: (0, 0, True), weights: (0, 0, True)}
    for memory in dict.fromkeys((arena, weights)):
        mine = [buffer for buffer in buffers if buffer.memory == memory]
        solution = place(mine, planner.alignment, nodes, capacity if memory == arena else None)
        heights[memory] = solution.height, solution.lower_bound, solution.proven
        placed += [_at(buffer, offset) for buffer, offset in zip(mine, solution.offsets.tolist(), strict=True)]
    height, bound, proven = heights[arena]
    return Footprint(tuple(placed), height, 0 if planner.one_memory else heights[weights][0], bound, proven)


def session_footprint(planner: Planner, stripes: Sequence[StripeRow]) -> Footprint:
    """Return the arena of a session of the runtime, to the byte."""
    found = [
        planner.tensor_buffer(places, pieces) if places else planner.sums_buffer(pieces)
        for places, pieces in _core.plan.session_buffers(planner.program, *planner.image_size, list(stripes))
        if any(size for *_, size in pieces)
    ]
    alignment = _core.plan.SESSION_ALIGNMENT
    solution = place(found, alignment)
    buffers = tuple(_at(each, int(offset)) for each, offset in zip(found, solution.offsets, strict=True))
    height = -(-(solution.height + _core.plan.SESSION_SLACK) // alignment) * alignment
    return Footprint(buffers, height, 0, solution.lower_bound, solution.proven)


def place(
    buffers: Sequence[PlannedBuffer], alignment: int, nodes: int | None = None, capacity: int | None = None
) -> _core.plan.Solution:
    """Return offsets for buffers in one memory; ``nodes`` None: as a session has them."""
    pieces = [
        (row, piece.begin, piece.end, piece.offset, piece.size)
        for row, each in enumerate(buffers)
        for piece in each.pieces
    ]
    array = np.array(pieces, np.int64).reshape(-1, 5)
    alignments = np.full(len(buffers), alignment, np.int64)
    return _core.plan.solve(array, alignments, capacity=capacity, nodes=nodes)


def _at(buffer: PlannedBuffer, offset: int) -> PlannedBuffer:
    return replace(buffer, offset=offset)
