"""Accelerators as TOML files; docs/planner.md has a commented example."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from typing import Any

from itrt.errors import AcceleratorError
from itrt.planner import units
from itrt.planner.accelerator import Accelerator, Compute, Granularity, Memory, Roles
from itrt.planner.fields import THIS_MACHINE, UNKNOWN, Fields
from itrt.planner.machine import PEAK, bandwidth_key, level_2_cache_bytes

_TOP = ("name", "description", "overlap", "roles", "memories", "compute", "granularity")
_DATA_TYPES = ("int8", "int16", "fp16", "fp32")
_DIRECTIONS: dict[str, tuple[Mapping[str, float], bool]] = {  # units, and whether 0 makes sense
    "bandwidth": (units.BYTES_PER_SECOND, False),
    "latency": (units.SECONDS, True),
    "energy": (units.JOULES_PER_BYTE, True),
}


def parse_accelerator(text: str, file: str) -> Accelerator:
    """Return the accelerator that a file describes.

    Args:
        text: of the TOML file.
        file: its name, for messages.

    Raises:
        AcceleratorError: where the text is no TOML, a key is missing or unknown, or a figure has a wrong type, unit or
            value; the message names file and key.

    """
    try:
        document: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise AcceleratorError(f"{file}: expected TOML, found {error}") from error
    top = Fields(file, "", document)
    top.only(_TOP)
    memories = top.table("memories")
    if not memories.entries:
        top.fail("memories", "at least one memory", "none")
    compute = top.table("compute")
    return Accelerator(
        name=top.text("name"),
        description=top.text("description"),
        memories={name: _memory(name, memories.table(name)) for name in memories.entries},
        roles=_roles(top.table("roles"), list(memories.entries)),
        compute=_compute(compute),
        granularity=_granularity(top.table("granularity")),
        overlap=top.flag("overlap"),
        sources=top.sources,
        measured_on_demand=frozenset(
            [PEAK] * _is_measured(compute)
            + [bandwidth_key(name) for name in memories.entries if memories.table(name).says("bandwidth", THIS_MACHINE)]
        ),
    )


def _memory(name: str, table: Fields) -> Memory:
    table.only(("kind", "size", *(prefix + quantity for quantity in _DIRECTIONS for prefix in ("", "read_", "write_"))))
    kind = table.text("kind")
    if table.says("size", THIS_MACHINE):
        if kind != "cache":
            table.fail("size", "a figure: only a cache's is read from this machine", repr(THIS_MACHINE))
        size = level_2_cache_bytes()
        if size is not None:
            table.sources[table.name_of("size")] = "level 2 cache of this machine, as Linux describes it in sysfs"
    else:
        size = table.whole("size", units.BYTES)
    directions = {
        f"{direction}_{quantity}": value
        for quantity in _DIRECTIONS
        for direction, value in zip(("read", "write"), _both_directions(table, quantity), strict=True)
    }
    return Memory(name, kind, size, **directions)


def _both_directions(table: Fields, quantity: str) -> tuple[float | None, float | None]:
    """One figure for both directions, or one each."""
    factors, zero = _DIRECTIONS[quantity]
    keys = f"read_{quantity}", f"write_{quantity}"
    if quantity in table.entries:
        for key in keys:
            if key in table.entries:
                table.fail(key, f"either {quantity} or {keys[0]} and {keys[1]}", f"{quantity}, too")
        if quantity == "bandwidth" and table.says(quantity, THIS_MACHINE):
            return None, None  # measured when a cost is asked for
        value = table.figure(quantity, factors, zero)
        if value is not None:
            source = table.sources.pop(table.name_of(quantity))
            table.sources.update({table.name_of(key): source for key in keys})
        return value, value
    return table.figure(keys[0], factors, zero), table.figure(keys[1], factors, zero)


def _roles(table: Fields, memories: list[str]) -> Roles:
    table.only(("arena", "weights", "far"))
    names = {role: table.text(role) for role in ("arena", "weights", "far")}
    for role, name in names.items():
        if name not in memories and not (role == "far" and name == UNKNOWN):
            table.fail(role, f"one of the memories ({', '.join(memories)})", repr(name))
    return Roles(names["arena"], names["weights"], None if names["far"] == UNKNOWN else names["far"])


def _is_measured(compute: Fields) -> bool:
    """Whether the int8 peak is this machine's."""
    rates = compute.entries.get("macs_per_second")
    return isinstance(rates, dict) and rates.get("int8") == THIS_MACHINE


def _compute(table: Fields) -> Compute:
    table.only(("clock", "macs_per_cycle", "macs_per_second", "energy_per_mac", "energy_includes_memory"))
    includes = table.entries.get("energy_includes_memory", False)
    if not isinstance(includes, bool):
        table.fail("energy_includes_memory", "true or false", repr(includes))
    rates: dict[str, float] = {}
    if "macs_per_second" in table.entries:
        later = {"int8"} if _is_measured(table) else set()
        rates = _by_data_type(table, "macs_per_second", units.MACS_PER_SECOND, later)
    return Compute(
        clock=table.figure("clock", units.HERTZ),
        macs_per_cycle=_by_data_type(table, "macs_per_cycle", units.MACS_PER_CYCLE),
        macs_per_second=rates,
        energy_per_mac=table.figure("energy_per_mac", units.JOULES_PER_MAC, zero=True),
        energy_includes_memory=includes,
    )


def _by_data_type(
    table: Fields, key: str, factors: Mapping[str, float], measured: Collection[str] = ()
) -> dict[str, float]:
    """The known figures of a table that has one a data type."""
    if table.says(key, UNKNOWN):
        return {}
    inner = table.table(key)
    inner.only(_DATA_TYPES)
    figures = {name: inner.figure(name, factors) for name in inner.entries if name not in measured}
    return {name: value for name, value in figures.items() if value is not None}


def _granularity(table: Fields) -> Granularity:
    table.only(("input_channels", "output_channels", "rows", "address"))
    return Granularity(
        input_channels=table.whole("input_channels", units.CHANNELS),
        output_channels=table.whole("output_channels", units.CHANNELS),
        rows=table.whole("rows", units.ROWS),
        address=table.whole("address", units.BYTES),
    )
