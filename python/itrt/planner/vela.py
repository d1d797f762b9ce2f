"""Accelerators from Arm Vela's configuration files (``vela.ini``).

The format is documented in OPTIONS.md of ethos-u-vela; the keys are those of its version 5.2. A [System_Config.NAME]
says which memory is on which AXI port and how fast it is, a [Memory_Mode.NAME] which port holds constants, the arena
and the cache:

    bandwidth = bytes of an AXI port * ports * clock scale of the memory * core clock  (Vela's architecture_features.py)
    latency   = cycles / core clock
"""

from __future__ import annotations

import configparser
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import NoReturn

from itrt.errors import AcceleratorError, InvalidArgumentError, MissingFileError
from itrt.planner.accelerator import LARGEST, Accelerator, Compute, Memory, Roles

_AXI_BYTES = {"ethos-u55": 8, "ethos-u65": 16, "ethos-u85": 16}  # 64 and 128 bits
_MACS = {"ethos-u55": (32, 64, 128, 256), "ethos-u65": (256, 512), "ethos-u85": (128, 256, 512, 1024, 2048)}
_ACCELERATORS = tuple(f"{family}-{macs}" for family, sizes in _MACS.items() for macs in sizes)
_KINDS = {"Sram": "sram", "Dram": "dram", "OnChipFlash": "flash", "OffChipFlash": "flash"}
_PORTS = ("Axi0", "Axi1")
_MOST_PORTS = 64  # of one memory; a larger number is a typing error
_PROPERTIES = (
    "clock_scale",
    "ports_used",
    "burst_length",
    "read_latency",
    "write_latency",
    "max_reads",
    "max_writes",
)
_SYSTEM_KEYS = ("inherit", "core_clock", "axi0_port", "axi1_port", *(f"{m}_{p}" for m in _KINDS for p in _PROPERTIES))
_MODE_KEYS = ("inherit", "const_mem_area", "arena_mem_area", "cache_mem_area", "arena_cache_size")


def load_vela(
    path: str | os.PathLike[str],
    system_config: str,
    memory_mode: str,
    accelerator: str = "ethos-u55-256",
) -> Accelerator:
    """Load an accelerator from one of Vela's configuration files.

    Parameters
    ----------
    path
        The ``.ini`` file.
    system_config, memory_mode
        Names of its sections, without the prefixes ``System_Config.`` and ``Memory_Mode.``.
    accelerator
        Vela's name of an Ethos-U: it says the width of an AXI port and the MAC a cycle.

    Returns
    -------
    The arena is the cache in a mode with dedicated SRAM, and the far memory then Vela's arena; in other modes the arena
    is Vela's, and the memory of the constants is far. ``arena_cache_size`` is the arena's size; no other is known.

    Raises
    ------
    MissingFileError
        If there is no such file.
    InvalidArgumentError
        For another accelerator.
    AcceleratorError
        If a section or key is missing, unknown, or has a wrong value; the message names file, section and key.
    """
    if accelerator not in _ACCELERATORS:
        raise InvalidArgumentError(f"accelerator: expected one of {', '.join(_ACCELERATORS)}, found {accelerator!r}")
    file = Path(path)
    sections = _read(file)
    system = _Section.inherited(file, sections, f"System_Config.{system_config}", _SYSTEM_KEYS)
    mode = _Section.inherited(file, sections, f"Memory_Mode.{memory_mode}", _MODE_KEYS)
    clock = system.number("core_clock", "a frequency in Hz above 0")
    constants, arena = (_memory_of(system, mode, f"{area}_mem_area") for area in ("const", "arena"))
    cache = _memory_of(system, mode, "cache_mem_area") if "cache_mem_area" in mode.values else arena
    # Feature maps are in the arena; where the cache is another memory, parts of them are brought there to be used.
    fast, far = (cache, arena) if cache != arena else (arena, constants)
    used = dict.fromkeys((fast, far, constants))
    axi_bytes = _AXI_BYTES[accelerator.rpartition("-")[0]]
    memories = {name.lower(): _memory(system, name, axi_bytes * clock, clock) for name in used}
    memories[fast.lower()] = replace(memories[fast.lower()], size=mode.whole("arena_cache_size", 1, LARGEST))
    origin = f"{file.name}: [{system.name}], [{mode.name}]"
    return Accelerator(
        name=f"{accelerator} ({system_config}, {memory_mode})",
        description=f"{accelerator} as Vela's configuration file describes its system",
        memories=memories,
        roles=Roles(arena=fast.lower(), weights=fast.lower(), far=None if far == fast else far.lower()),
        compute=Compute(clock, {"int8": float(accelerator.rpartition("-")[2])}),
        overlap=True,
        sources=_sources(memories.values(), origin, accelerator),
    )


def _read(file: Path) -> configparser.ConfigParser:
    if not file.is_file():
        raise MissingFileError(f"Vela configuration {file}: expected a file, found none")
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(file.read_text(encoding="utf-8"), str(file))
    except (configparser.Error, UnicodeDecodeError) as error:
        raise AcceleratorError(f"{file}: expected an ini file, found {error}") from error
    return parser


@dataclass(frozen=True)
class _Section:
    """The values of a section and of those it inherits from, its own first; keys are in lower case."""

    file: Path
    name: str
    values: Mapping[str, str]

    @classmethod
    def inherited(cls, file: Path, sections: configparser.ConfigParser, name: str, keys: tuple[str, ...]) -> _Section:
        values: dict[str, str] = {}
        chain: list[str] = []
        current: str | None = name
        while current is not None:
            if current in chain:
                raise AcceleratorError(f"{file}: [{current}] inherit: expected another section, found itself again")
            if current not in sections:
                close = get_close_matches(current, sections.sections(), n=1)
                hint = f" (did you mean {close[0]}?)" if close else ""
                raise AcceleratorError(f"{file}: expected a section [{current}], found none{hint}")
            chain.append(current)
            own = dict(sections[current])
            _refuse_unknown(file, current, own, keys)
            values = {**own, **values}
            current = own.get("inherit")
        return cls(file, name, values)

    def fail(self, key: str, expected: str, found: str) -> NoReturn:
        raise AcceleratorError(f"{self.file}: [{self.name}] {key}: expected {expected}, found {found}")

    def number(self, key: str, expected: str, default: float | None = None, highest: float = math.inf) -> float:
        """A number above 0 and up to `highest`; without a default the key must be there."""
        text = self.values.get(key.lower())
        if text is None:
            if default is None:
                self.fail(key, expected, "no such key")
            return default
        try:
            value = float(text)
        except ValueError:
            self.fail(key, expected, repr(text))
        if not 0 < value <= highest or math.isinf(value):
            self.fail(key, expected, repr(text))
        return value

    def whole(self, key: str, lowest: int, highest: int) -> int | None:
        """A whole number, or None where the key is missing."""
        text = self.values.get(key.lower())
        if text is None:
            return None
        if not text.isdecimal() or not lowest <= int(text) <= highest:
            self.fail(key, f"a whole number from {lowest} to {highest}", repr(text))
        return int(text)

    def choice(self, key: str, known: tuple[str, ...]) -> str:
        text = self.values.get(key.lower())
        if text not in known:
            self.fail(key, f"one of {', '.join(known)}", "no such key" if text is None else repr(text))
        return text


def _refuse_unknown(file: Path, section: str, values: Mapping[str, str], keys: tuple[str, ...]) -> None:
    """Keys of newer accelerators change the bandwidth: reading past one would give a wrong figure."""
    known = {key.lower(): key for key in keys}
    for key in values:
        if key not in known:
            close = get_close_matches(key, known, n=1)
            hint = f" (did you mean {known[close[0]]}?)" if close else ""
            raise AcceleratorError(
                f"{file}: [{section}] {key}: expected a key of the format, found an unknown one{hint}"
            )


def _memory_of(system: _Section, mode: _Section, area: str) -> str:
    """The memory on the port that a mode names."""
    return system.choice(f"{mode.choice(area, _PORTS).lower()}_port", tuple(_KINDS))


def _memory(system: _Section, name: str, port_bandwidth: float, clock: float) -> Memory:
    scale = system.number(f"{name}_clock_scale", "a number above 0 and up to 1", default=1.0, highest=1.0)
    ports = system.whole(f"{name}_ports_used", 1, _MOST_PORTS) or 1
    cycles = {each: system.whole(f"{name}_{each}", 0, LARGEST) for each in ("read_latency", "write_latency")}
    latencies = {each: None if count is None else count / clock for each, count in cycles.items()}
    bandwidth = port_bandwidth * ports * scale
    writable = None if _KINDS[name] == "flash" else bandwidth  # an inference does not write to flash
    return Memory(name.lower(), _KINDS[name], None, bandwidth, writable, **latencies)


def _sources(memories: Iterable[Memory], origin: str, accelerator: str) -> dict[str, str]:
    found = {
        "compute.clock": origin,
        "compute.macs_per_cycle.int8": f"the name of {accelerator}",
        "overlap": "PERFORMANCE.md of ethos-u-vela: a layer takes as long as its longest of computing and transfers",
    }
    for memory in memories:
        place = f"memories.{memory.name}"
        if memory.size is not None:
            found[f"{place}.size"] = f"{origin} arena_cache_size"
        for direction in ("read", "write"):
            if getattr(memory, f"{direction}_bandwidth") is not None:
                found[f"{place}.{direction}_bandwidth"] = f"{origin}: AXI width * ports * clock scale * core clock"
            if getattr(memory, f"{direction}_latency") is not None:
                found[f"{place}.{direction}_latency"] = f"{origin}: cycles / core clock"
    return found
