"""How a network is executed in a small memory: plain data that a plan consists of.

section   block                                       one group after another; a group is one operator,
groups    [ join ][ refine | down | refine ][ up ]    or several that run in stripes of rows
                   \\__ stripes of 8 rows __/

weights   resident   in the memory for good: fetched once a run
          held       there while their group runs: fetched once an iteration
          split      channel by channel, a few output channels at a time: fetched once a stripe
tensors   in the arena; spilled ones live in the far memory and pass by row by row
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from itrt.errors import InvalidArgumentError
from itrt.planner.workload import Layer, Section, Workload


class Halo(Enum):
    """Rows that two stripes both need: kept from one to the next (a rolling line buffer), or computed again."""

    KEPT = "kept"
    RECOMPUTED = "recomputed"


class WeightMode(Enum):
    """Where a layer's weights and vectors are while it runs."""

    RESIDENT = "resident"
    HELD = "held"
    SPLIT = "split"


@dataclass(frozen=True)
class WeightPlacement:
    """A layer's weights: how they are kept, and in how many parts of output channels they pass if they are split."""

    mode: WeightMode
    parts: int = 1

    def __str__(self) -> str:
        return f"split in {self.parts}" if self.mode is WeightMode.SPLIT else self.mode.value


RESIDENT = WeightPlacement(WeightMode.RESIDENT)
HELD = WeightPlacement(WeightMode.HELD)


@dataclass(frozen=True)
class Group:
    """Layers [first, last] of a workload, of one section.

    ``rows`` is how many rows of the last layer's output a stripe computes; None: no stripes, one layer as a whole.
    ``passes`` counts how many iterations of the block one pass over the image computes (temporal stripes): only for a
    group that is the whole block.
    """

    first: int
    last: int
    rows: int | None = None
    halo: Halo = Halo.KEPT
    passes: int = 1

    def __post_init__(self) -> None:
        if self.rows is None and (self.first != self.last or self.passes != 1):
            raise InvalidArgumentError(f"group of layers {self.first} to {self.last}: expected stripes, found none")

    @property
    def layers(self) -> range:
        """Indices of `Workload.layers`."""
        return range(self.first, self.last + 1)


@dataclass(frozen=True)
class Schedule:
    """Groups that cover all layers in order, the placement of every layer's weights, and the spilled tensors."""

    groups: tuple[Group, ...]
    weights: tuple[WeightPlacement, ...]
    spilled: frozenset[int] = frozenset()

    def group_of(self, layer: int) -> Group:
        """The group with this layer."""
        return next(group for group in self.groups if layer in group.layers)


def whole(work: Workload) -> Schedule:
    """Return the schedule without stripes, with everything resident: the least traffic, the most memory."""
    count = len(work.layers)
    return Schedule(tuple(Group(index, index) for index in range(count)), (RESIDENT,) * count)


def section_range(work: Workload, section: Section) -> range:
    """Indices of a section's layers in `Workload.layers`."""
    found = [index for index, layer in enumerate(work.layers) if layer.section == section]
    return range(found[0], found[-1] + 1) if found else range(0)


@dataclass(frozen=True)
class Uses:
    """Who writes and who reads a tensor: indices of layers; the image and an unwritten tensor have no writer."""

    writer: int | None
    readers: tuple[int, ...]


@dataclass(frozen=True)
class TensorUses:
    """The uses of all tensors of a workload, and which of them live around the loop."""

    work: Workload
    of: Mapping[int, Uses] = field(default_factory=dict)

    @classmethod
    def find(cls, work: Workload) -> TensorUses:
        """Collect them."""
        writers = {layer.output: index for index, layer in enumerate(work.layers)}
        readers: dict[int, list[int]] = {index: [] for index in range(len(work.tensors))}
        for index, layer in enumerate(work.layers):
            for tensor in layer.inputs:
                readers[tensor].append(index)
        return cls(work, {t: Uses(writers.get(t), tuple(found)) for t, found in readers.items()})

    def is_interior(self, tensor: int, layers: range) -> bool:
        """Whether nobody but these layers writes or reads a tensor: they can hold it a few rows at a time."""
        if tensor in (self.work.image, self.work.state, self.work.next_state, self.work.logits):
            return False
        uses = self.of[tensor]
        return uses.writer in layers and all(reader in layers for reader in uses.readers)

    def near(self, layers: range) -> frozenset[int]:
        """Tensors that these layers read or write."""
        return frozenset(
            tensor for index in layers for tensor in (*self.work.layers[index].inputs, self.work.layers[index].output)
        )

    def inputs(self, layers: range) -> tuple[int, ...]:
        """Tensors that these layers read and none of them writes."""
        read = dict.fromkeys(tensor for index in layers for tensor in self.work.layers[index].inputs)
        return tuple(tensor for tensor in read if self.of[tensor].writer not in layers)

    def outputs(self, layers: range) -> tuple[int, ...]:
        """Tensors that these layers write and somebody else reads."""
        written = (self.work.layers[index].output for index in layers)
        return tuple(tensor for tensor in written if not self.is_interior(tensor, layers))


def layer_label(layer: Layer) -> str:
    """A layer's name for people."""
    return layer.name or f"{layer.section} {layer.kind} {layer.index}"
