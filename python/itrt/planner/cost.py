"""What a run costs on an accelerator: cycles, time, traffic and energy, layer by layer.

    compute cycles = padded MAC / (MAC a cycle)          padded: channels and rows rounded up to the granularity
    compute time   = padded MAC / (MAC a second)
    transfer time  = read / read bandwidth + written / write bandwidth + waiting transfers * latency, memory by memory
    layer's time   = max(compute, transfers of each memory)     where transfers run while the units compute
                     compute + all transfers                    elsewhere, and where nobody says
    energy         = MAC * energy a MAC + bytes * energy a byte

It is an estimate of the kind of Vela's (PERFORMANCE.md of ethos-u-vela): peaks, not contention. An unknown granularity
pads nothing, so that compute is then a bound from below, and utilization is unknown. An operator without
multiply-accumulates costs what it moves. None stands for what follows from a figure that nobody published.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from itrt.errors import InvalidArgumentError
from itrt.planner.accelerator import Accelerator, Memory
from itrt.planner.machine import with_measurements
from itrt.planner.traffic import Traffic, merged
from itrt.planner.workload import SECTIONS, Layer, Section, Window, Workload

DATA_TYPE = "int8"  # of weights and activations: u8 times s8
COMPUTE = "compute"


@dataclass(frozen=True)
class Cost:
    """Of a layer, a section or a run.

    ``compute_cycles`` may be a fraction. ``overlapped_seconds`` is the time if all transfers run while the units
    compute, ``sequential_seconds`` if none does, ``seconds`` the one of them that the accelerator declares. ``energy``
    is in joules. ``traffic`` has one entry a memory.
    """

    macs: int
    compute_cycles: float | None
    compute_seconds: float | None
    overlapped_seconds: float | None
    sequential_seconds: float | None
    seconds: float | None
    energy: float | None
    traffic: tuple[Traffic, ...]

    @property
    def milliseconds(self) -> float | None:
        """The time."""
        return None if self.seconds is None else self.seconds * 1e3

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.macs + other.macs,
            _sum([self.compute_cycles, other.compute_cycles]),
            _sum([self.compute_seconds, other.compute_seconds]),
            _sum([self.overlapped_seconds, other.overlapped_seconds]),
            _sum([self.sequential_seconds, other.sequential_seconds]),
            _sum([self.seconds, other.seconds]),
            _sum([self.energy, other.energy]),
            merged((*self.traffic, *other.traffic)),
        )

    def times(self, count: int) -> Cost:
        """The cost of so many executions."""

        def scaled(value: float | None) -> float | None:
            return None if value is None else value * count

        return Cost(
            self.macs * count,
            scaled(self.compute_cycles),
            scaled(self.compute_seconds),
            scaled(self.overlapped_seconds),
            scaled(self.sequential_seconds),
            scaled(self.seconds),
            scaled(self.energy),
            tuple(each.times(count) for each in self.traffic),
        )


NOTHING = Cost(0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, ())
"""The cost of no layer."""


@dataclass(frozen=True)
class LayerCost:
    """Of one execution of a layer.

    ``utilization`` is MAC by padded MAC (None: unknown, or no MAC). ``transfer_seconds`` is by memory. ``bound`` is
    what takes longest: "compute" or a memory's name; None where one of the candidates is unknown.
    """

    layer: Layer
    cost: Cost
    utilization: float | None
    transfer_seconds: Mapping[str, float | None]
    bound: str | None


@dataclass(frozen=True)
class RunCost:
    """Of a run.

    ``layers`` are those of the workload, ``sections`` one execution each, ``setup`` what happens once before (such as
    loading resident weights), ``total`` is setup + stem + iterations * block + answers * head.
    """

    accelerator: Accelerator
    layers: tuple[LayerCost, ...]
    sections: Mapping[Section, Cost]
    setup: Cost
    total: Cost

    @property
    def iteration(self) -> Cost:
        """One execution of the block."""
        return self.sections["block"]

    def bytes_by_kind(self, part: Cost | None = None) -> dict[str, int]:
        """Return bytes read and written, by kind of memory ("sram", "dram", ...), of the run or of a part of it."""
        found: dict[str, int] = {}
        for each in (self.total if part is None else part).traffic:
            kind = self.accelerator.memory(each.memory).kind
            found[kind] = found.get(kind, 0) + each.bytes
        return found


def estimate_cost(
    work: Workload,
    accelerator: Accelerator,
    traffic: Sequence[Sequence[Traffic]],
    setup: Sequence[Traffic] = (),
    rows: Sequence[int] | None = None,
) -> RunCost:
    """Return what a run costs.

    Parameters
    ----------
    work
        The layers, and how often they run.
    accelerator
        Figures that are to be measured are measured now.
    traffic
        What one execution of each layer moves; `resident_traffic` and `placed_traffic` make the simple ones.
    setup
        What moves once, before the run.
    rows
        Rows that one execution of each layer computes: more than its height where some are computed again. Default:
        the heights.

    Raises
    ------
    InvalidArgumentError
        Where there is not one entry of traffic a layer.
    AcceleratorError
        Where traffic names a memory that the accelerator lacks.
    """
    if len(traffic) != len(work.layers):
        raise InvalidArgumentError(f"traffic: expected {len(work.layers)} entries, one a layer, found {len(traffic)}")
    measured = with_measurements(accelerator)
    heights = [work.tensors[layer.output].height for layer in work.layers] if rows is None else rows
    layers = tuple(
        layer_cost(work, layer, measured, moved, computed)
        for layer, moved, computed in zip(work.layers, traffic, heights, strict=True)
    )
    sections: dict[Section, Cost] = {
        section: sum((each.cost for each in layers if each.layer.section == section), NOTHING) for section in SECTIONS
    }
    once = _cost(0, 0, measured, merged(setup))
    total = sum((sections[section].times(work.executions(section)) for section in SECTIONS), once)
    return RunCost(measured, layers, sections, once, total)


def layer_cost(
    work: Workload, layer: Layer, accelerator: Accelerator, traffic: Iterable[Traffic], rows: int
) -> LayerCost:
    """Return what one execution of a layer costs that computes so many rows; see `estimate_cost`."""
    moved = merged(traffic)
    padded = sum(_padded_macs(work, layer, window, accelerator, rows) for window in layer.windows)
    macs = layer.macs * rows // max(work.tensors[layer.output].height, 1)
    found = _cost(macs, padded, accelerator, moved)
    times = {each.memory: _transfer_seconds(accelerator.memory(each.memory), each) for each in moved}
    known = None not in (accelerator.granularity.input_channels, accelerator.granularity.output_channels)
    utilization = macs / padded if macs and known and accelerator.granularity.rows is not None else None
    return LayerCost(layer, found, utilization, times, _bound({COMPUTE: found.compute_seconds, **times}))


def _padded_macs(work: Workload, layer: Layer, window: Window, accelerator: Accelerator, rows: int) -> int:
    """MAC slots that a window takes: a group's channels and the output's rows are rounded up."""
    if not window.macs:
        return 0
    granularity, output = accelerator.granularity, work.tensors[layer.output]
    inputs = _rounded_up(work.tensors[window.input].channels // window.groups, granularity.input_channels)
    outputs = _rounded_up(output.channels // window.groups, granularity.output_channels)
    return (
        _rounded_up(rows, granularity.rows)
        * output.width
        * window.kernel[0]
        * window.kernel[1]
        * inputs
        * outputs
        * window.groups
    )


def _rounded_up(count: int, multiple: int | None) -> int:
    return count if multiple is None else -(-count // multiple) * multiple


def _cost(macs: int, padded: int, accelerator: Accelerator, traffic: tuple[Traffic, ...]) -> Cost:
    compute = accelerator.compute
    seconds = _divided(padded, compute.rate(DATA_TYPE))
    transfers = [_transfer_seconds(accelerator.memory(each.memory), each) for each in traffic]
    overlapped = None if seconds is None or None in transfers else max([seconds, *(each or 0.0 for each in transfers)])
    sequential = _sum([seconds, *transfers])
    return Cost(
        macs=macs,
        compute_cycles=_divided(padded, compute.macs_per_cycle.get(DATA_TYPE)),
        compute_seconds=seconds,
        overlapped_seconds=overlapped,
        sequential_seconds=sequential,
        seconds=overlapped if accelerator.overlap else sequential,
        energy=_energy(macs, accelerator, traffic),
        traffic=traffic,
    )


def _transfer_seconds(memory: Memory, traffic: Traffic) -> float | None:
    """A memory does one thing at a time."""
    return _sum(
        [
            _divided(traffic.read_bytes, memory.read_bandwidth),
            _divided(traffic.written_bytes, memory.write_bandwidth),
            _multiplied(traffic.waiting_reads, memory.read_latency),
            _multiplied(traffic.waiting_writes, memory.write_latency),
        ]
    )


def _energy(macs: int, accelerator: Accelerator, traffic: tuple[Traffic, ...]) -> float | None:
    computed = _multiplied(macs, accelerator.compute.energy_per_mac)
    if accelerator.compute.energy_includes_memory:
        return computed
    memories = [(accelerator.memory(each.memory), each) for each in traffic]
    reads = [_multiplied(each.read_bytes, memory.read_energy) for memory, each in memories]
    writes = [_multiplied(each.written_bytes, memory.write_energy) for memory, each in memories]
    return _sum([computed, *reads, *writes])


def _bound(seconds: Mapping[str, float | None]) -> str | None:
    known = {name: value for name, value in seconds.items() if value is not None}
    return max(known, key=known.__getitem__) if len(known) == len(seconds) and max(known.values()) > 0 else None


def _divided(amount: float, rate: float | None) -> float | None:
    """Nothing takes no time at any rate, also at an unknown one."""
    if amount == 0:
        return 0.0
    return None if rate is None else amount / rate


def _multiplied(amount: float, each: float | None) -> float | None:
    if amount == 0:
        return 0.0
    return None if each is None else amount * each


def _sum(values: Iterable[float | None]) -> float | None:
    """Unknown where one of them is."""
    total = 0.0
    for value in values:
        if value is None:
            return None
        total += value
    return total
