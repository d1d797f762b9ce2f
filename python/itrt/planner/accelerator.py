"""What the planner knows of an accelerator: memories, compute, granularity, and where every figure is published.

A figure that nobody published is None, and whatever follows from it is None, too: nothing is guessed and nothing is
silently zero. All figures are in base units (bytes, seconds, hertz, joules), whatever unit they were published in.

    far (flash, DRAM) ──weights, spills──► arena (activations) ◄──► compute
                                           weights (resident)  ───►
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from itrt.errors import AcceleratorError

LARGEST = 2**63 - 1
"""The most bytes that a memory may have: sizes are 64-bit integers in the core."""


@dataclass(frozen=True)
class Memory:
    """One memory.

    ``kind`` groups memories in tables ("sram", "dram", "flash", "cache", ...). ``size`` is in bytes, bandwidths are in
    bytes a second, latencies in seconds a transfer, energies in joules a byte.
    """

    name: str
    kind: str
    size: int | None = None
    read_bandwidth: float | None = None
    write_bandwidth: float | None = None
    read_latency: float | None = None
    write_latency: float | None = None
    read_energy: float | None = None
    write_energy: float | None = None


@dataclass(frozen=True)
class Roles:
    """Which memory holds activations, which resident weights, and from which one streams what fits into neither.

    ``far`` is None where there is no such memory, or where nobody says which.
    """

    arena: str
    weights: str
    far: str | None = None


@dataclass(frozen=True)
class Compute:
    """The multiply-accumulate units.

    ``macs_per_cycle`` and ``macs_per_second`` are by data type ("int8", "fp16"); a type that is missing is unknown. The
    second is for machines whose peak is measured; where it is missing it is ``macs_per_cycle`` times ``clock`` (hertz).
    ``energy_per_mac`` is in joules; ``energy_includes_memory`` says that it was published end to end, for a whole
    inference, so that no energy of a memory must be added to it.
    """

    clock: float | None = None
    macs_per_cycle: Mapping[str, float] = field(default_factory=dict)
    macs_per_second: Mapping[str, float] = field(default_factory=dict)
    energy_per_mac: float | None = None
    energy_includes_memory: bool = False

    def rate(self, data_type: str) -> float | None:
        """Multiply-accumulates a second at the peak."""
        if data_type in self.macs_per_second:
            return self.macs_per_second[data_type]
        if self.clock is None or data_type not in self.macs_per_cycle:
            return None
        return self.macs_per_cycle[data_type] * self.clock


@dataclass(frozen=True)
class Granularity:
    """What the hardware rounds up to: channels and rows of a layer, the address of a buffer in bytes."""

    input_channels: int | None = None
    output_channels: int | None = None
    rows: int | None = None
    address: int | None = None


@dataclass(frozen=True)
class Accelerator:
    """A device to plan for.

    ``overlap`` says that transfers run while the units compute; None where nobody says. ``sources`` has a sentence
    for every known figure, by its place in the file, such as "memories.sram.size". ``measured_on_demand`` lists figures
    that `itrt.planner.machine.with_measurements` fills in when a cost is asked for.
    """

    name: str
    description: str
    memories: Mapping[str, Memory]
    roles: Roles
    compute: Compute = field(default_factory=Compute)
    granularity: Granularity = field(default_factory=Granularity)
    overlap: bool | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    measured_on_demand: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        known = ", ".join(self.memories)
        for role in ("arena", "weights", "far"):
            name = getattr(self.roles, role)
            if name not in self.memories and not (role == "far" and name is None):
                raise AcceleratorError(f"{self.name}: roles.{role}: expected a memory ({known}), found {name!r}")

    def memory(self, name: str) -> Memory:
        """The memory of this name; AcceleratorError where there is none."""
        if name not in self.memories:
            raise AcceleratorError(
                f"{self.name}: expected the name of a memory ({', '.join(self.memories)}), found {name!r}"
            )
        return self.memories[name]

    @property
    def is_cached(self) -> bool:
        """Whether the arena's memory is a cache: it holds what it can, and nothing is placed in it by hand."""
        return self.arena.kind == "cache"

    @property
    def arena(self) -> Memory:
        """The memory that holds activations."""
        return self.memories[self.roles.arena]

    @property
    def weights(self) -> Memory:
        """The memory that holds resident weights; it may be the arena's."""
        return self.memories[self.roles.weights]

    @property
    def far(self) -> Memory | None:
        """The memory that weights stream from and spills go to."""
        return None if self.roles.far is None else self.memories[self.roles.far]
