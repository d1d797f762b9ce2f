"""Figures of this machine: read from a tree such as Linux's sysfs, measured when a cost is asked for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from itrt import planner
from itrt.planner.machine import PEAK, bandwidth_key, level_2_cache_bytes, with_measurements


def cache(cpus: Path, index: int, level: str, kind: str, size: str) -> None:
    cpu = min(os.sched_getaffinity(0))
    directory = cpus / f"cpu{cpu}" / "cache" / f"index{index}"
    directory.mkdir(parents=True)
    for name, text in (("level", level), ("type", kind), ("size", size)):
        (directory / name).write_text(f"{text}\n")


def test_the_level_2_cache_is_found_among_the_others(tmp_path: Path) -> None:
    cache(tmp_path, 0, "1", "Data", "32K")
    cache(tmp_path, 1, "2", "Instruction", "64K")
    cache(tmp_path, 2, "2", "Unified", "1280K")
    cache(tmp_path, 3, "3", "Unified", "32M")
    assert level_2_cache_bytes(tmp_path) == 1280 * 1024


def test_a_size_in_megabytes(tmp_path: Path) -> None:
    cache(tmp_path, 0, "2", "Unified", "2M")
    assert level_2_cache_bytes(tmp_path) == 2 << 20


def test_no_tree_no_figure(tmp_path: Path) -> None:
    assert level_2_cache_bytes(tmp_path) is None


@pytest.mark.parametrize("size", ["", "K", "many"])
def test_a_size_that_cannot_be_read_is_unknown(tmp_path: Path, size: str) -> None:
    cache(tmp_path, 0, "2", "Unified", size)
    assert level_2_cache_bytes(tmp_path) is None


def test_the_cpu_preset_reads_its_cache_and_measures_later() -> None:
    cpu = planner.load_target("cpu")
    assert cpu.arena.size == level_2_cache_bytes()
    assert cpu.compute.rate("int8") is None
    assert cpu.arena.read_bandwidth is None
    assert cpu.measured_on_demand == {PEAK, bandwidth_key("l2"), bandwidth_key("dram")}


def test_the_peak_is_measured_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    from itrt import _core

    monkeypatch.setattr(_core.kernels, "measure_peak", lambda isa, threads: 4e11)
    cpu = with_measurements(planner.load_target("cpu"))
    assert cpu.compute.rate("int8") == 4e11
    assert "measured on this machine" in cpu.sources[PEAK]
    for memory in cpu.memories.values():
        assert memory.read_bandwidth is not None
        assert memory.read_bandwidth > 1e8
        assert "measured on this machine" in cpu.sources[f"memories.{memory.name}.write_bandwidth"]
    assert with_measurements(cpu) is cpu


def test_a_peak_that_cannot_be_measured_stays_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    from itrt import _core

    monkeypatch.setattr(_core.kernels, "measure_peak", lambda isa, threads: None)
    cpu = with_measurements(planner.load_target("cpu"))
    assert cpu.compute.rate("int8") is None
    assert PEAK not in cpu.sources
