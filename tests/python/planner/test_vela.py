"""Vela's configuration files: bandwidths by hand, the three memory modes, inheritance, and an error a mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from itrt import planner
from itrt.errors import AcceleratorError, InvalidArgumentError, MissingFileError

INI = """
; a system of our own
[System_Config.Board]
core_clock=400e6
axi0_port=Sram
axi1_port=OffChipFlash
Sram_clock_scale=0.5
Sram_burst_length=32
Sram_read_latency=20
Sram_write_latency=40
Sram_max_reads=8
Sram_max_writes=8
OffChipFlash_clock_scale=0.0625
OffChipFlash_burst_length=128
OffChipFlash_read_latency=64
OffChipFlash_write_latency=0

[System_Config.Big_Board]
inherit=System_Config.Board
core_clock=1e9
axi1_port=Dram
Dram_clock_scale=0.25

[Memory_Mode.Alone]
const_mem_area=Axi0
arena_mem_area=Axi0

[Memory_Mode.Shared]
const_mem_area=Axi1
arena_mem_area=Axi0
cache_mem_area=Axi0

[Memory_Mode.Dedicated]
const_mem_area=Axi1
arena_mem_area=Axi1
cache_mem_area=Axi0
arena_cache_size=393216

[Memory_Mode.Larger]
inherit=Memory_Mode.Dedicated
arena_cache_size=524288
"""


@pytest.fixture
def ini(tmp_path: Path) -> Path:
    path = tmp_path / "board.ini"
    path.write_text(INI)
    return path


def rewritten(ini: Path, old: str, new: str) -> Path:
    text = ini.read_text()
    assert old in text
    ini.write_text(text.replace(old, new, 1))
    return ini


def refused(ini: Path, *expected: str, system: str = "Board", mode: str = "Dedicated") -> None:
    with pytest.raises(AcceleratorError) as caught:
        planner.load_vela(ini, system, mode)
    for part in (str(ini), *expected):
        assert part in str(caught.value)


def test_bandwidth_and_latency_by_hand(ini: Path) -> None:
    board = planner.load_vela(ini, "Board", "Shared")
    sram, flash = board.memory("sram"), board.memory("offchipflash")
    assert sram.read_bandwidth == sram.write_bandwidth == 8 * 0.5 * 400e6  # 64 bits a port
    assert sram.read_latency == 20 / 400e6
    assert sram.write_latency == 40 / 400e6
    assert flash.read_bandwidth == 8 * 0.0625 * 400e6
    assert flash.write_bandwidth is None
    assert flash.write_latency == 0
    assert (sram.kind, flash.kind) == ("sram", "flash")


def test_the_port_of_an_ethos_u65_is_twice_as_wide(ini: Path) -> None:
    board = planner.load_vela(ini, "Big_Board", "Dedicated", "ethos-u65-512")
    assert board.memory("sram").read_bandwidth == 16 * 0.5 * 1e9
    assert board.memory("dram").read_bandwidth == board.memory("dram").write_bandwidth == 16 * 0.25 * 1e9
    assert board.compute.rate("int8") == 512e9
    assert board.memory("dram").read_latency is None


def test_a_memory_on_several_ports_of_an_ethos_u85(ini: Path) -> None:
    wide = rewritten(ini, "Dram_clock_scale=0.25", "Dram_clock_scale=0.25\nDram_ports_used=2\nSram_ports_used=4")
    board = planner.load_vela(wide, "Big_Board", "Dedicated", "ethos-u85-2048")
    assert board.memory("dram").read_bandwidth == 2 * 16 * 0.25 * 1e9
    assert board.memory("sram").read_bandwidth == 4 * 16 * 0.5 * 1e9
    assert board.compute.rate("int8") == 2048e9


@pytest.mark.parametrize("value", ["0", "1.5", "-1", "65"])
def test_a_number_of_ports_out_of_range(ini: Path, value: str) -> None:
    text = f"Sram_clock_scale=0.5\nSram_ports_used={value}"
    refused(rewritten(ini, "Sram_clock_scale=0.5", text), "Sram_ports_used", repr(value))


@pytest.mark.parametrize("value", ["-1", "1.5", "long"])
def test_a_latency_that_is_no_number_of_cycles(ini: Path, value: str) -> None:
    refused(rewritten(ini, "Sram_read_latency=20", f"Sram_read_latency={value}"), "Sram_read_latency", repr(value))


def test_a_shared_memory_holds_the_arena_and_constants_are_far(ini: Path) -> None:
    board = planner.load_vela(ini, "Board", "Shared")
    assert board.roles == planner.Roles("sram", "sram", "offchipflash")
    assert board.arena.size is None


def test_a_dedicated_memory_is_the_arena_and_the_rest_is_far(ini: Path) -> None:
    board = planner.load_vela(ini, "Big_Board", "Dedicated")
    assert board.roles == planner.Roles("sram", "sram", "dram")
    assert board.arena.size == 393216


def test_one_memory_for_all(ini: Path) -> None:
    board = planner.load_vela(ini, "Board", "Alone")
    assert board.roles == planner.Roles("sram", "sram", None)
    assert list(board.memories) == ["sram"]


def test_a_child_overrides_its_parent(ini: Path) -> None:
    assert planner.load_vela(ini, "Big_Board", "Larger").arena.size == 524288
    assert planner.load_vela(ini, "Big_Board", "Larger").compute.clock == 1e9


def test_a_clock_scale_that_is_missing_is_one(ini: Path) -> None:
    """As the format's documentation has it."""
    board = planner.load_vela(rewritten(ini, "Sram_clock_scale=0.5\n", ""), "Board", "Alone")
    assert board.arena.read_bandwidth == 8 * 400e6


def test_figures_have_sources(ini: Path) -> None:
    sources = planner.load_vela(ini, "Big_Board", "Dedicated").sources
    assert "board.ini: [System_Config.Big_Board], [Memory_Mode.Dedicated]" in sources["memories.sram.size"]
    assert "memories.dram.read_latency" not in sources
    assert "PERFORMANCE.md" in sources["overlap"]


def test_as_a_target(ini: Path) -> None:
    assert planner.load_target(f"vela:{ini}:Board:Shared") == planner.load_vela(ini, "Board", "Shared")
    wide = planner.load_target(f"vela:{ini}:Board:Shared:ethos-u65-256")
    assert wide == planner.load_vela(ini, "Board", "Shared", "ethos-u65-256")


@pytest.mark.parametrize("target", ["vela:", "vela:board.ini:Board", "vela:a:b:c:d:e", "vela:a::c"])
def test_a_target_with_other_parts(target: str) -> None:
    with pytest.raises(InvalidArgumentError, match="expected vela:FILE:SYSTEM:MODE"):
        planner.load_target(target)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="expected a file, found none"):
        planner.load_vela(tmp_path / "none.ini", "Board", "Shared")


def test_an_unknown_accelerator(ini: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="expected one of ethos-u55-32, .*found 'ethos-u55-512'"):
        planner.load_vela(ini, "Board", "Shared", "ethos-u55-512")


def test_no_ini(ini: Path) -> None:
    ini.write_text("core_clock=1")
    refused(ini, "expected an ini file")


def test_an_unknown_section(ini: Path) -> None:
    refused(ini, "[System_Config.Bord]", "did you mean System_Config.Board?", system="Bord")
    refused(ini, "[Memory_Mode.Dedicate]", "did you mean Memory_Mode.Dedicated?", mode="Dedicate")


def test_a_parent_that_is_not_there(ini: Path) -> None:
    refused(rewritten(ini, "inherit=Memory_Mode.Dedicated", "inherit=Memory_Mode.None"), "None", mode="Larger")


def test_a_section_that_inherits_from_itself(ini: Path) -> None:
    text = "arena_mem_area=Axi1\n"
    refused(rewritten(ini, text, f"{text}inherit=Memory_Mode.Larger\n"), "inherit", "found itself again", mode="Larger")


def test_an_unknown_key(ini: Path) -> None:
    refused(rewritten(ini, "Sram_clock_scale", "Sram_clock_scal"), "sram_clock_scal", "did you mean Sram_clock_scale?")


def test_a_key_of_another_kind_of_section(ini: Path) -> None:
    refused(rewritten(ini, "[Memory_Mode.Dedicated]", "[Memory_Mode.Dedicated]\ncore_clock=1"), "core_clock", "unknown")


def test_no_clock(ini: Path) -> None:
    refused(rewritten(ini, "core_clock=400e6\n", ""), "core_clock", "no such key")


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "fast"])
def test_a_clock_that_is_no_frequency(ini: Path, value: str) -> None:
    refused(rewritten(ini, "core_clock=400e6", f"core_clock={value}"), "core_clock", "above 0", repr(value))


@pytest.mark.parametrize("value", ["0", "1.5", "half"])
def test_a_clock_scale_out_of_range(ini: Path, value: str) -> None:
    refused(rewritten(ini, "Sram_clock_scale=0.5", f"Sram_clock_scale={value}"), "Sram_clock_scale", repr(value))


def test_a_port_with_an_unknown_memory(ini: Path) -> None:
    refused(rewritten(ini, "axi0_port=Sram", "axi0_port=Rom"), "axi0_port", "Sram, Dram", "'Rom'")


def test_a_port_that_is_not_described(ini: Path) -> None:
    refused(rewritten(ini, "axi1_port=OffChipFlash\n", ""), "axi1_port", "no such key")


def test_an_area_on_an_unknown_port(ini: Path) -> None:
    refused(rewritten(ini, "const_mem_area=Axi1", "const_mem_area=Axi2"), "const_mem_area", "'Axi2'", mode="Shared")


@pytest.mark.parametrize("value", ["0", "-5", "1.5", "384 KiB", str(2**63)])
def test_an_arena_size_that_is_no_number_of_bytes(ini: Path, value: str) -> None:
    refused(rewritten(ini, "arena_cache_size=393216", f"arena_cache_size={value}"), "arena_cache_size", repr(value))
