"""Figures of the machine that this runs on: read or measured, never typed in."""

from __future__ import annotations

import math
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from itrt import _core
from itrt.planner.accelerator import Accelerator

PEAK = "compute.macs_per_second.int8"
_CPUS = Path("/sys/devices/system/cpu")
_FAR_BYTES = 2**27  # of a copy that no cache holds
_COPIED_BYTES = 2**25  # by one measurement
_REPEATS = 5
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
    if not accelerator.measured_on_demand:
        return accelerator
    sources = dict(accelerator.sources)
    rates = dict(accelerator.compute.macs_per_second)
    if PEAK in accelerator.measured_on_demand:
        peak = _core.kernels.measure_peak(None, 1)
        if peak is not None:
            rates["int8"] = peak
            sources[PEAK] = f"measured on this machine: {_core.select_isa()}, one thread"
    memories = dict(accelerator.memories)
    for name, memory in memories.items():
        if bandwidth_key(name) not in accelerator.measured_on_demand:
            continue
        nearer = memory.kind == "cache" and memory.size is not None
        bandwidth = _copy_bandwidth(memory.size // 2 if nearer and memory.size else _FAR_BYTES)
        memories[name] = replace(memory, read_bandwidth=bandwidth, write_bandwidth=bandwidth)
        for key in (f"memories.{name}.read_bandwidth", f"memories.{name}.write_bandwidth"):
            sources[key] = "measured on this machine: a copy, one thread, bytes read and written"
    return replace(
        accelerator,
        memories=memories,
        compute=replace(accelerator.compute, macs_per_second=rates),
        sources=sources,
        measured_on_demand=frozenset(),
    )


def bandwidth_key(memory: str) -> str:
    """The place in a file of a memory's bandwidth in both directions."""
    return f"memories.{memory}.bandwidth"


def _copy_bandwidth(footprint: int) -> float:
    """Bytes a second that a copy reads and writes, within so many bytes: the best of several."""
    source = np.ones(max(footprint // 2, 1), np.uint8)
    target = np.empty_like(source)
    copies = max(_COPIED_BYTES // source.nbytes, 1)
    best = math.inf
    for _ in range(_REPEATS):
        start = time.perf_counter()
        for _ in range(copies):
            np.copyto(target, source)
        best = min(best, time.perf_counter() - start)
    return 2 * source.nbytes * copies / best
