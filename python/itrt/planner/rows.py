"""Rows of a group of layers that runs in stripes: line buffers, and rows that are computed again.

The arithmetic is the compiled planner's (plan/stripes.h). Here a workload's layers become its plain numbers. A spilled
input passes through a line buffer of its own, as if a layer without inputs wrote it (a load); a spilled output, as if
a layer read it row by row (a store). In temporal stripes the block's layers stand behind one another once for every
iteration of the pass:

    far memory ──rows──► iteration 1 ──state──► iteration 2 ──rows──► far memory
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from itrt import _core
from itrt.planner.schedule import Group, Halo, TensorUses
from itrt.planner.workload import Workload


@dataclass(frozen=True)
class LineBuffer:
    """Rows of a tensor in the arena while its group runs; ``copy`` is the iteration of the pass, from 0.

    ``first`` and ``last`` are the layers between which it is needed within a stripe.
    """

    tensor: int
    copy: int
    rows: int
    bytes: int
    first: int
    last: int


@dataclass(frozen=True)
class GroupRows:
    """A striped group in rows.

    ``computed`` is how many rows of its output each layer computes in one pass over the image and one iteration of it:
    its height, and more where halos are computed again.
    """

    stripes: int
    lines: tuple[LineBuffer, ...]
    computed: Mapping[int, int]

    @property
    def line_bytes(self) -> int:
        """All line buffers."""
        return sum(line.bytes for line in self.lines)


_Operator = tuple[int, list[tuple[int, _core.RowsRead]]]  # its output, and what it reads
_STORED = -2


@dataclass(frozen=True)
class _Place:
    """Of an operator of the compiled planner: its layer; a load or a store has the one that it is for."""

    layer: int
    is_layer: bool


_Key = tuple[int, int]  # a tensor, and the iteration of the pass that writes it; -1: nobody in the pass


class _Numbers:
    """Tensors of a group, numbered for the compiled planner."""

    def __init__(self, work: Workload):
        self._work = work
        self._numbers: dict[_Key, int] = {}
        self.tensors: list[tuple[int, bool]] = []

    def number(self, key: _Key, whole: bool) -> int:
        if key not in self._numbers:
            self._numbers[key] = len(self.tensors)
            self.tensors.append((self._work.tensors[key[0]].height, whole))
        return self._numbers[key]

    @property
    def keys(self) -> list[_Key]:
        return list(self._numbers)


def group_rows(work: Workload, uses: TensorUses, group: Group, spilled: frozenset[int]) -> GroupRows:
    """Return what a group with stripes computes and holds.

    ``spilled`` are the tensors that live in the far memory.
    """
    assert group.rows is not None
    numbers = _Numbers(work)
    operators: list[_Operator] = []
    places: list[_Place] = []
    last_copy = group.passes - 1

    def key_of_input(tensor: int, copy: int) -> _Key:
        if (
            tensor == work.state
            and uses.of[tensor].writer not in group.layers
            and copy > 0
            and work.next_state is not None
        ):
            return work.next_state, copy - 1
        return (tensor, copy) if uses.of[tensor].writer in group.layers else (tensor, -1)

    def is_stored(key: _Key) -> bool:
        tensor, copy = key
        if tensor == work.next_state and copy != last_copy:
            return False
        return tensor in spilled and not uses.is_interior(tensor, group.layers)

    def is_whole(key: _Key) -> bool:
        tensor, copy = key
        if copy < 0:
            return tensor not in spilled
        if tensor == work.next_state:
            return copy == last_copy and tensor not in spilled
        return not uses.is_interior(tensor, group.layers) and tensor not in spilled

    for copy in range(group.passes):
        for index in group.layers:
            layer = work.layers[index]
            inputs = []
            for window in layer.windows:
                key = key_of_input(window.input, copy)
                if key not in numbers.keys and not is_whole(key):  # comes from the far memory
                    operators.append((numbers.number(key, whole=False), []))
                    places.append(_Place(index, is_layer=False))
                inputs.append((numbers.number(key, is_whole(key)), work.rows_read(layer, window)))
            key = (layer.output, copy)
            operators.append((numbers.number(key, is_whole(key)), inputs))
            places.append(_Place(index, is_layer=True))
            if is_stored(key):
                stored = numbers.number((layer.output, _STORED - copy), whole=True)
                operators.append((stored, [(numbers.number(key, whole=False), _core.RowsRead.elementwise())]))
                places.append(_Place(index, is_layer=False))
    plan = _core.plan_stripes(numbers.tensors, operators, group.rows, group.halo is Halo.RECOMPUTED)
    return GroupRows(
        stripes=len(plan.computed),
        lines=tuple(_lines(work, numbers, plan, operators, places)),
        computed=_computed(work, group, plan, places),
    )


def _lines(
    work: Workload,
    numbers: _Numbers,
    plan: _core.StripePlan,
    operators: Sequence[_Operator],
    places: Sequence[_Place],
) -> Iterator[LineBuffer]:
    written: dict[int, int] = {}
    read: dict[int, int] = {}
    for (output, inputs), place in zip(operators, places, strict=True):
        written.setdefault(output, place.layer)
        for number, _ in inputs:
            read[number] = place.layer
    for number, ((tensor, copy), (_, whole)) in enumerate(zip(numbers.keys, numbers.tensors, strict=True)):
        rows = plan.buffer_rows[number]
        if not whole:
            first = written[number]
            size = rows * work.tensors[tensor].row_bytes
            yield LineBuffer(tensor, max(copy, 0), rows, size, first, read.get(number, first))


def _computed(
    work: Workload,
    group: Group,
    plan: _core.StripePlan,
    places: Sequence[_Place],
) -> dict[int, int]:
    if group.halo is Halo.KEPT:
        return {index: work.tensors[work.layers[index].output].height for index in group.layers}
    rows = dict.fromkeys(group.layers, 0)
    for stripe in plan.computed:
        for (first, last), place in zip(stripe, places, strict=True):
            rows[place.layer] += (last - first) * place.is_layer
    return {index: -(-count // group.passes) for index, count in rows.items()}
