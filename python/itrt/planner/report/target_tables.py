"""Accelerators in tables: their figures, and who published them."""

from __future__ import annotations

from collections.abc import Iterable

from itrt.planner.accelerator import Accelerator
from itrt.planner.cost import DATA_TYPE
from itrt.planner.report.tables import ReportTable
from itrt.text import UNKNOWN, binary_size, engineering


def source_table(target: Accelerator) -> ReportTable:
    """The accelerator's figures, and who published them."""
    figures = {
        **{
            f"memories.{memory.name}.{field}": value
            for memory in target.memories.values()
            for field, value in (
                ("size", None if memory.size is None else binary_size(memory.size)),
                ("read_bandwidth", engineering(memory.read_bandwidth, "B/s")),
                ("write_bandwidth", engineering(memory.write_bandwidth, "B/s")),
                ("read_latency", engineering(memory.read_latency, "s")),
                ("write_latency", engineering(memory.write_latency, "s")),
                ("read_energy", engineering(memory.read_energy, "J/B")),
                ("write_energy", engineering(memory.write_energy, "J/B")),
            )
        },
        "compute.clock": engineering(target.compute.clock, "Hz"),
        f"compute.macs_per_cycle.{DATA_TYPE}": _plain(target.compute.macs_per_cycle.get(DATA_TYPE)),
        f"compute.macs_per_second.{DATA_TYPE}": engineering(target.compute.rate(DATA_TYPE), "MAC/s"),
        "compute.energy_per_mac": engineering(target.compute.energy_per_mac, "J/MAC"),
        **{f"granularity.{name}": _plain(value) for name, value in vars(target.granularity).items()},
        "overlap": UNKNOWN if target.overlap is None else "yes" if target.overlap else "no",
    }
    rows = tuple((name, value or UNKNOWN, _source(target, name)) for name, value in figures.items())
    return ReportTable(f"figures of {target.name}", ("figure", "value", "source"), rows)


def target_facts(targets: Iterable[Accelerator]) -> list[tuple[str, str]]:
    """Return names of accelerators, and what they are: memories, peak, and who published the figures."""
    return [(target.name, _described(target)) for target in targets]


def _described(target: Accelerator) -> str:
    roles = target.roles
    memories = f"arena {_memory(target, roles.arena)}"
    if roles.weights != roles.arena:
        memories += f"; weights {_memory(target, roles.weights)}"
    memories += f"; far {UNKNOWN if roles.far is None else _memory(target, roles.far)}"
    peak = engineering(target.compute.rate(DATA_TYPE), "MAC/s")
    sources = "; ".join(dict.fromkeys(target.sources.values()))
    return f"{target.description}\n{memories}; {DATA_TYPE} {peak}\nsources: {sources}"


def _plain(value: float | None) -> str | None:
    return None if value is None else f"{value:g}"


def _memory(target: Accelerator, name: str) -> str:
    size = target.memory(name).size
    return f"{name}, {UNKNOWN if size is None else binary_size(size)}"


def _source(target: Accelerator, name: str) -> str:
    is_derived = name.startswith("compute.macs_per_second") and target.compute.rate(DATA_TYPE) is not None
    return target.sources.get(name, "the clock times MAC a cycle" if is_derived else "")
