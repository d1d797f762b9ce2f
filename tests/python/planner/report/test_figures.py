"""The PNG: there is one picture a memory and one a curve; the file is a PNG of a readable size."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from itrt import planner
from itrt.planner.planning import Plan
from itrt.planner.report import write_figure
from reference.plans import naive_plan

pytest.importorskip("matplotlib")


def png_size(path: Path) -> tuple[int, int]:
    contents = path.read_bytes()
    assert contents[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", contents[16:24])
    return width, height


def test_sizes_follow_what_is_drawn(decided: Plan, front: list[Plan], tmp_path: Path) -> None:
    heights = {}
    for name, plans, costs in (("one", [decided], []), ("two", [decided, decided], []), ("costs", [decided], front)):
        write_figure(plans, tmp_path / f"{name}.png", costs)
        width, heights[name] = png_size(tmp_path / f"{name}.png")
        assert width >= 1200
    assert heights["two"] == 2 * heights["one"]
    assert heights["one"] < heights["costs"]


def test_a_memory_of_weights_is_drawn_below(work: planner.Workload, plan: Plan, tmp_path: Path) -> None:
    write_figure([plan], tmp_path / "one.png")
    write_figure([naive_plan(work, planner.load_target("max78000"), capacity=10**6)], tmp_path / "two.png")
    assert png_size(tmp_path / "two.png")[1] == 2 * png_size(tmp_path / "one.png")[1]
