"""Figures of the machine that this runs on: read or measured, never typed in."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from itrt import _core
from itrt.planner.accelerator import Accelerator

PEAK = "compute.macs_per_second.int8"
_CPUS = Path("/sys/devices/system/cpu")
_SUFFIXES = {"K": 2**10, "M": 2**20}


def level_2_cache_bytes(cpus: Path = _CPUS) -> int | None:
    """Return the bytes of the level 2 cache of a CPU that this process may use; None where the system does not say."""
    for index in sorted((cpus / f"cpu{_first_cpu()}" / "cache").glob("index*")):
        try:
            level, kind, size = ((index / name).read_text().strip() for name in ("level", "type", "size"))
        except OSError:
            continue
        if level == "2" and kind in ("Unified", "Data") and size[:-1].isdigit() and size[-1] in _SUFFIXES:
            return int(size[:-1]) * _SUFFIXES[size[-1]]
    return None


def _first_cpu() -> int:
    return min(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0


def with_measurements(accelerator: Accelerator) -> Accelerator:
    """Return the accelerator with the figures that are measured when a cost is asked for; that takes milliseconds.

    The peak stays unknown on a CPU for which there is only portable code. An accelerator without such figures is
    returned as it is.
    """
    if PEAK not in accelerator.measured_on_demand:
        return accelerator
    peak = _core.kernels.measure_peak(None, 1)
    others = {name: rate for name, rate in accelerator.compute.macs_per_second.items() if name != "int8"}
    rates = others if peak is None else {**others, "int8": peak}
    measured = {} if peak is None else {PEAK: f"measured on this machine: {_core.select_isa()}, one thread"}
    return replace(
        accelerator,
        compute=replace(accelerator.compute, macs_per_second=rates),
        sources={**accelerator.sources, **measured},
        measured_on_demand=frozenset(),
    )
