"""Accelerators in TOML: the packaged presets, files of one's own, and an error for each way to get one wrong."""

from __future__ import annotations

import json
import tomllib
from dataclasses import fields
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itrt import planner
from itrt.errors import AcceleratorError, InvalidArgumentError, MissingFileError
from itrt.planner import Accelerator, Memory, Roles
from itrt.planner.accelerator_file import parse_accelerator

OWN = """
name = "mine"
description = "an accelerator of one's own"
overlap = { value = true, source = "handbook, page 1" }

[roles]
arena = "near"
weights = "near"
far = "outside"

[memories.near]
kind = "sram"
size = { value = 384, unit = "KiB", source = "handbook, page 2" }
bandwidth = { value = 16, unit = "GB/s", source = "handbook, page 3" }
latency = { value = 32, unit = "ns", source = "handbook, page 4" }
energy = { value = 0, unit = "pJ/B", source = "handbook, page 5" }

[memories.outside]
kind = "dram"
size = "unknown"
read_bandwidth = { value = 3.75, unit = "GB/s", source = "handbook, page 6" }
write_bandwidth = "unknown"
latency = "unknown"
energy = { value = 100, unit = "pJ/B", source = "handbook, page 7" }

[compute]
clock = { value = 1, unit = "GHz", source = "handbook, page 8" }
energy_per_mac = { value = 0.5, unit = "pJ/MAC", source = "handbook, page 9" }
macs_per_cycle.int8 = { value = 512, unit = "MAC/cycle", source = "handbook, page 10" }

[granularity]
input_channels = { value = 8, unit = "channels", source = "handbook, page 11" }
output_channels = "unknown"
rows = { value = 2, unit = "rows", source = "handbook, page 12" }
address = { value = 16, unit = "B", source = "handbook, page 13" }
"""

PEAK = 'value = 2, unit = "GMAC/s", source = "measured by the maker"'

NAMES = (
    "cpu",
    "ethos-u55-256",
    "ethos-u65-512",
    "gap9",
    "gc200",
    "gc200-tile",
    "himax-we2",
    "max78000",
    "stm32h743",
    "stm32n6",
)


def changed(old: str, new: str) -> str:
    assert old in OWN
    return OWN.replace(old, new, 1)


def refused(text: str, *expected: str) -> None:
    """Every part is in the message, and so is the file's name."""
    with pytest.raises(AcceleratorError) as caught:
        parse_accelerator(text, "mine.toml")
    for part in ("mine.toml", *expected):
        assert part in str(caught.value)


def test_figures_are_in_base_units() -> None:
    mine = parse_accelerator(OWN, "mine.toml")
    near = mine.arena
    assert (near.size, near.read_bandwidth, near.write_bandwidth) == (384 * 1024, 16e9, 16e9)
    assert near.read_latency == pytest.approx(32e-9)
    assert near.read_energy == near.write_energy == 0
    assert mine.weights is near
    assert mine.far == Memory("outside", "dram", None, 3.75e9, None, None, None, mine.far.read_energy, 100e-12)  # type: ignore[union-attr]
    assert mine.compute.rate("int8") == 512e9
    assert mine.compute.rate("fp16") is None
    assert mine.granularity == planner.Granularity(8, None, 2, 16)
    assert mine.overlap is True


def test_every_known_figure_has_its_source() -> None:
    sources = parse_accelerator(OWN, "mine.toml").sources
    assert sources["memories.near.write_bandwidth"] == "handbook, page 3"
    assert sources["memories.outside.read_bandwidth"] == "handbook, page 6"
    assert sources["overlap"] == "handbook, page 1"
    assert "memories.outside.size" not in sources


def test_the_presets() -> None:
    assert planner.presets() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_has_a_source_for_every_figure_and_for_nothing_else(name: str) -> None:
    target = planner.load_target(name)
    assert target.name == name
    known = {
        f"memories.{memory.name}.{field.name}"
        for memory in target.memories.values()
        for field in fields(memory)
        if field.name not in ("name", "kind") and getattr(memory, field.name) is not None
    }
    known |= {f"compute.macs_per_cycle.{name}" for name in target.compute.macs_per_cycle}
    known |= {f"compute.{name}" for name in ("clock", "energy_per_mac") if getattr(target.compute, name) is not None}
    known |= {f"granularity.{f.name}" for f in fields(target.granularity) if getattr(target.granularity, f.name)}
    known |= {"overlap"} if target.overlap is not None else set()
    assert set(target.sources) == known


def test_the_cpu_preset_has_no_typed_number() -> None:
    text = (resources.files("itrt.planner") / "presets" / "cpu.toml").read_text()

    def numbers(value: Any) -> list[float]:
        if isinstance(value, dict):
            return [each for inner in value.values() for each in numbers(inner)]
        return [value] if isinstance(value, int | float) and not isinstance(value, bool) else []

    assert numbers(tomllib.loads(text)) == []


def test_presets_are_small() -> None:
    directory = resources.files("itrt.planner") / "presets"
    assert sum(len(entry.read_bytes()) for entry in directory.iterdir()) < 20_000


def test_one_tile_and_the_whole_chip_agree() -> None:
    chip, tile = planner.load_target("gc200"), planner.load_target("gc200-tile")
    assert chip.arena.size == 1472 * (tile.arena.size or 0)
    assert chip.compute.macs_per_cycle["fp16"] == 1472 * tile.compute.macs_per_cycle["fp16"]
    assert chip.arena.read_bandwidth == pytest.approx(1472 * (tile.arena.read_bandwidth or 0), rel=1e-3)


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(OWN)
    assert planner.load_target(path) == planner.load_target(str(path)) == parse_accelerator(OWN, "mine.toml")


@given(st.integers(1, 2**40), st.sampled_from(["B", "kB", "KiB", "MB", "MiB"]))
def test_sizes_are_exact(value: int, unit: str) -> None:
    factor = {"B": 1, "kB": 1000, "KiB": 1024, "MB": 10**6, "MiB": 2**20}[unit]
    text = changed('size = { value = 384, unit = "KiB"', f'size = {{ value = {value}, unit = "{unit}"')
    assert parse_accelerator(text, "mine.toml").arena.size == value * factor


def test_no_toml() -> None:
    refused("name = ", "expected TOML")


def test_a_missing_figure() -> None:
    refused(changed('size = "unknown"\n', ""), "memories.outside.size", '"unknown"', "no such key")


def test_a_missing_table() -> None:
    refused(OWN.partition("[granularity]")[0], "granularity", "a table", "no such key")


def test_no_memory() -> None:
    head, _, tail = OWN.partition("[memories.near]")
    refused(head + "[memories]\n\n[compute]" + tail.partition("[compute]")[2], "memories", "at least one memory")


def test_a_negative_figure() -> None:
    refused(changed("value = 16, unit", "value = -16, unit"), "memories.near.bandwidth.value", "above 0", "-16")


def test_a_bandwidth_of_zero() -> None:
    refused(changed("value = 16, unit", "value = 0, unit"), "memories.near.bandwidth.value", "above 0", "found 0")


def test_a_negative_latency() -> None:
    refused(changed("value = 32,", "value = -1,"), "memories.near.latency.value", "not negative", "-1")


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_a_figure_that_is_not_finite(value: str) -> None:
    refused(changed("value = 512", f"value = {value}"), "compute.macs_per_cycle.int8.value", "finite", value)


def test_a_figure_that_is_not_finite_in_base_units() -> None:
    refused(changed('value = 16, unit = "GB/s"', 'value = 1e308, unit = "GB/s"'), "bandwidth.value", "1e+308 GB/s")


@pytest.mark.parametrize("value", ["true", '"512"', "[512]"])
def test_a_figure_of_another_type(value: str) -> None:
    refused(changed("value = 512", f"value = {value}"), "compute.macs_per_cycle.int8.value", "a finite number")


def test_a_number_without_unit_and_source() -> None:
    refused(changed('size = "unknown"', "size = 512"), "memories.outside.size", "value and source", "512")


def test_a_figure_without_source() -> None:
    refused(changed(', source = "handbook, page 2"', ""), "memories.near.size.source", "no such key")


def test_an_empty_source() -> None:
    refused(changed("handbook, page 2", " "), "memories.near.size.source", "a text")


def test_a_wrong_unit() -> None:
    refused(changed('unit = "KiB"', 'unit = "GB/s"'), "memories.near.size.unit", "KiB", "'GB/s'")


def test_a_size_that_is_no_whole_number_of_bytes() -> None:
    refused(
        changed('value = 384, unit = "KiB"', 'value = 1.5, unit = "B"'), "memories.near.size", "whole number", "1.5"
    )


def test_a_size_above_63_bits() -> None:
    refused(changed('value = 384, unit = "KiB"', f'value = {2**63}, unit = "B"'), "memories.near.size", "2^63 - 1")
    largest = changed('value = 384, unit = "KiB"', f'value = {2**63 - 1}, unit = "B"')
    assert parse_accelerator(largest, "mine.toml").arena.size == 2**63 - 1


@pytest.mark.parametrize(
    ("old", "new", "place", "meant"),
    [
        ("[granularity]", "[granularty]", "granularty", "granularity"),
        ("clock = ", "clok = ", "compute.clok", "clock"),
        ("latency = {", "latncy = {", "memories.near.latncy", "latency"),
        ("rows = ", "row = ", "granularity.row", "rows"),
        ("macs_per_cycle.int8", "macs_per_cycle.int88", "compute.macs_per_cycle.int88", "int8"),
        ('far = "outside"', 'fare = "outside"', "roles.fare", "far"),
        ("unit = ", "units = ", "memories.near.size.units", "unit"),
    ],
)
def test_an_unknown_key(old: str, new: str, place: str, meant: str) -> None:
    refused(changed(old, new), place, "unknown key", f"did you mean {meant}?")


def test_a_bandwidth_for_both_directions_and_one_of_its_own() -> None:
    text = changed("latency = {", 'read_bandwidth = "unknown"\nlatency = {')
    refused(text, "memories.near.read_bandwidth", "either bandwidth or read_bandwidth and write_bandwidth")


@pytest.mark.parametrize("role", ["arena", "weights", "far"])
def test_a_role_that_names_no_memory(role: str) -> None:
    name = "outside" if role == "far" else "near"
    refused(changed(f'{role} = "{name}"', f'{role} = "away"'), f"roles.{role}", "near, outside", "'away'")


def test_an_unknown_arena() -> None:
    refused(changed('arena = "near"', 'arena = "unknown"'), "roles.arena", "near, outside", "'unknown'")


def test_an_overlap_that_is_no_answer() -> None:
    refused(changed("overlap = { value = true", "overlap = { value = 1"), "overlap.value", "true or false")


def test_this_machines_cache_is_no_sram() -> None:
    refused(changed('size = "unknown"', 'size = "this machine"'), "memories.outside.size", "only a cache's")


@pytest.mark.parametrize("key", ["macs_per_cycle.int8", "macs_per_second.fp16"])
def test_only_the_int8_peak_is_measured(key: str) -> None:
    clock = "clock = {"
    text = changed('macs_per_cycle.int8 = { value = 512, unit = "MAC/cycle", source = "handbook, page 10" }\n', "")
    text = text.replace(clock, f'{key} = "this machine"\n{clock}', 1)
    refused(text, f"compute.{key}", "value and source", "'this machine'")


def test_an_energy_that_includes_something_else() -> None:
    refused(changed("energy_per_mac =", 'energy_includes_memory = "yes"\nenergy_per_mac ='), "true or false", "'yes'")


def test_a_peak_in_seconds() -> None:
    text = changed("energy_per_mac =", f"macs_per_second.int8 = {{ {PEAK} }}\nenergy_per_mac =")
    assert parse_accelerator(text, "mine.toml").compute.rate("int8") == 2e9  # before clock * MAC a cycle


def test_a_target_that_is_neither_preset_nor_file() -> None:
    with pytest.raises(MissingFileError, match=r"ethos-u55-25: .*found neither \(did you mean ethos-u55-256\?\)"):
        planner.load_target("ethos-u55-25")


def test_a_target_of_another_type() -> None:
    with pytest.raises(InvalidArgumentError, match="expected a preset's name or a path, found int"):
        planner.load_target(65)  # type: ignore[arg-type]


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(AcceleratorError, match="expected TOML in UTF-8"):
        planner.load_target(path)


def test_an_accelerator_made_in_python_is_checked_too() -> None:
    with pytest.raises(AcceleratorError, match="roles.weights: expected a memory \\(near\\), found 'away'"):
        Accelerator("mine", "", {"near": Memory("near", "sram")}, Roles("near", "away"))


def test_a_memory_that_is_asked_for_and_not_there() -> None:
    with pytest.raises(AcceleratorError, match="gap9: expected the name of a memory \\(l1, l2\\), found 'l3'"):
        planner.load_target("gap9").memory("l3")


def test_the_commented_example_of_the_documentation(tmp_path: Path) -> None:
    page = Path(__file__).parents[3] / "docs" / "planner.md"
    example = page.read_text().partition("```toml\n")[2].partition("```")[0]
    described = parse_accelerator(example, "docs/planner.md")
    assert described.overlap is True
    assert json.dumps(dict(described.sources))
