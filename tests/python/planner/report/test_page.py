"""The HTML page, parsed: complete, inside of its pictures, and self-contained."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from itrt import planner
from itrt.planner.planning import Plan
from itrt.planner.report import layer_table, plan_page
from itrt.planner.report.facts import facts
from reference.plans import naive_plan
from reference.programs import Choices, random_program

VOID = {"meta"}


def svgs(page: bytes) -> list[ElementTree.Element]:
    """The page's pictures; they are XML, too."""
    return [ElementTree.fromstring(found) for found in re.findall(r"<svg.*?</svg>", page.decode(), re.DOTALL)]


class Outline(HTMLParser):
    """Checks that elements are closed in order, and collects texts of table rows and attributes."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.open: list[str] = []
        self.rows: list[list[str]] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.feed(page.decode())
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data


def rectangles(svg: ElementTree.Element) -> dict[str, list[dict[str, float]]]:
    """Of the buffers, by the first line of their title."""
    found: dict[str, list[dict[str, float]]] = {}
    for group in svg.iter("g"):
        if group.get("class") == "buffer":
            shape = group[0]
            title = (shape.findtext("title") or "").splitlines()[0]
            sizes = {name: float(shape.get(name, "nan")) for name in ("x", "y", "width", "height")}
            found.setdefault(title, []).append(sizes)
    return found


def test_every_piece_of_every_buffer_is_drawn(decided: Plan) -> None:
    (svg,) = svgs(plan_page(decided))
    drawn = rectangles(svg)
    assert {name: len(shapes) for name, shapes in drawn.items()} == {
        buffer.name: len(buffer.pieces) for buffer in decided.footprint.buffers
    }


@pytest.mark.parametrize("seed", range(8))
def test_rectangles_are_inside_and_do_not_overlap(seed: int) -> None:
    work = planner.load_workload(random_program(seed), 23, 31)
    (svg,) = svgs(plan_page(naive_plan(work, planner.load_target("ethos-u65-512"))))
    width, height = (float(size) for size in svg.get("viewBox", "").split()[2:])
    shapes = [shape for each in rectangles(svg).values() for shape in each]
    assert shapes
    for shape in shapes:
        assert shape["x"] >= 0
        assert shape["y"] >= 0
        assert shape["x"] + shape["width"] <= width
        assert shape["y"] + shape["height"] <= height
        assert shape["width"] > 0
    for index, one in enumerate(shapes):
        for other in shapes[:index]:
            # Coordinates are rounded to a hundredth of a pixel.
            side_by_side = max(one["x"], other["x"]) + 0.03 >= min(one["x"] + one["width"], other["x"] + other["width"])
            above = max(one["y"], other["y"]) + 0.03 >= min(one["y"] + one["height"], other["y"] + other["height"])
            assert side_by_side or above


def test_heights_are_in_proportion_to_bytes(plan: Plan) -> None:
    (svg,) = svgs(plan_page(plan))
    drawn = rectangles(svg)
    largest = max(plan.footprint.buffers, key=lambda buffer: buffer.size)
    for buffer in plan.footprint.buffers:
        ratio = drawn[buffer.name][0]["height"] / drawn[largest.name][0]["height"]
        assert ratio == pytest.approx(buffer.size / largest.size, abs=1e-3)


def test_the_capacity_is_a_line_above_the_buffers(plan: Plan) -> None:
    (svg,) = svgs(plan_page(plan))
    (capacity,) = [line for line in svg.iter("line") if line.get("class") == "capacity"]
    highest = min(shape["y"] for shapes in rectangles(svg).values() for shape in shapes)
    assert float(capacity.get("y1", "nan")) == float(capacity.get("y2", "nan")) < highest


def test_an_unknown_capacity_has_no_line(plan: Plan) -> None:
    (svg,) = svgs(plan_page(replace(plan, capacity=None)))
    assert not [line for line in svg.iter("line") if line.get("class") == "capacity"]


def test_nothing_is_loaded(decided: Plan, front: list[Plan]) -> None:
    page = plan_page(decided, front)
    assert not re.search(rb"(?i)https?:|//[a-z]|@import|url\((?!#)|fetch\(|import\(", page)
    for tag, name, _ in Outline(page).attributes:
        assert name not in ("src", "href", "xlink:href", "srcset", "data", "action"), f"{tag} {name}"
        assert tag not in ("link", "iframe", "object", "embed", "img")


def test_tables_are_complete(decided: Plan, front: list[Plan]) -> None:
    rows = Outline(plan_page(decided, front)).rows
    assert all([name, value] in rows for name, value in facts(decided))
    layers = [layer.name for layer in decided.work.layers]
    width = len(layer_table(decided).columns)
    assert [row[0] for row in rows if row[0] in layers and len(row) == width] == layers
    for name, source in decided.target.sources.items():
        assert [row[2] for row in rows if row[0] == name] == [source]


def test_the_sweep_is_a_second_picture(plan: Plan, front: list[Plan]) -> None:
    assert len(svgs(plan_page(plan))) == 1
    memory, costs = svgs(plan_page(plan, front))
    assert (memory.get("class"), costs.get("class")) == ("memory", "front")
    circles = list(costs.iter("circle"))
    assert len(circles) == 3 * len(front)  # time, far bytes, MAC
    assert "knee: 2.0 KiB" in [text.text for text in costs.iter("text")]


def test_names_are_escaped(plan: Plan) -> None:
    hostile = '<script>alert(1)</script> & "it\'s"'
    buffers = tuple(replace(each, name=f"{hostile} {index}") for index, each in enumerate(plan.footprint.buffers))
    named = replace(plan, work=replace(plan.work, name=hostile), footprint=replace(plan.footprint, buffers=buffers))
    page = plan_page(named)
    assert b"<script>alert" not in page
    assert f"{hostile} 0" in rectangles(svgs(page)[0])


def test_unknown_is_said(work: planner.Workload) -> None:
    found = naive_plan(work, planner.load_target("max78000"), capacity=10**6)
    assert found.cost.total.energy is None
    assert ["unknown"] in [row[-2:-1] for row in Outline(plan_page(found)).rows if row[0] == "run"]


def test_a_network_without_a_loop() -> None:
    work = planner.load_workload(random_program(3, Choices(loop=False)), 9, 9)
    page = plan_page(naive_plan(work, planner.load_target("ethos-u65-512"), capacity=10**9))
    (svg,) = svgs(page)
    assert not [path for path in svg.iter("path") if path.get("marker-end")]
    assert b"time of a run" in page
