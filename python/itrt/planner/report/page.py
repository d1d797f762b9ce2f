"""A plan as one self-contained HTML page: nothing is loaded from anywhere, and it reads without its script."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources

from itrt.planner.measures import measure
from itrt.planner.planning import Plan
from itrt.planner.report.facts import capacity_text, facts, gap, verdict
from itrt.planner.report.front_svg import front_svg
from itrt.planner.report.markup import Markup, element, joined
from itrt.planner.report.memory_svg import memory_svg
from itrt.planner.report.picture import Picture, legend, pictures
from itrt.planner.report.tables import ReportTable, front_table, layer_table, measure_table, run_table
from itrt.planner.report.target_tables import source_table
from itrt.text import UNKNOWN, binary_size, engineering


def plan_page(plan: Plan, front: Sequence[Plan] = ()) -> bytes:
    """Return the page of a plan, in UTF-8.

    Args:
        plan: what it is about.
        front: the plans of a sweep (`planner.sweep`), for the picture of cost against memory.

    """
    title = f"{plan.work.name} on {plan.target.name}"
    body = [
        element("h1", title),
        _key_figures(plan),
        element("h2", "Memory over time"),
        *(_memory(plan, picture) for picture in pictures(plan)),
        *_front(plan, front),
        element("h2", "What was decided"),
        _facts(facts(plan)),
        *(_table(table) for table in (run_table(plan), layer_table(plan), measure_table(measure(plan.work)))),
        _table(source_table(plan.cost.accelerator)),
        element(
            "p",
            "Times are estimates from peaks, without contention; unknown: nobody published the figure.",
            class_="note",
        ),
    ]
    head = [
        Markup('<meta charset="utf-8">'),
        Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        element("title", f"{title}: plan"),
        element("style", Markup(_asset("page.css"))),
    ]
    script = element("script", Markup(_asset("page.js")))
    page = element("html", element("head", joined(head)), element("body", joined([*body, script])), lang="en")
    return f"<!DOCTYPE html>\n{page}\n".encode()


def _asset(name: str) -> str:
    return (resources.files("itrt.planner.report") / name).read_text(encoding="utf-8")


def _key_figures(plan: Plan) -> Markup:
    """The five numbers that are looked for first."""
    cost, far = plan.cost, plan.target.roles.far
    loop = plan.work.state is not None
    part = cost.iteration if loop else cost.total
    of_what = "an iteration" if loop else "a run"
    figures = [
        (
            binary_size(plan.arena_bytes),
            f"arena, of {capacity_text(plan)}",
            verdict(plan),
        ),
        (
            "proven" if plan.footprint.proven else f"+{gap(plan) * 100:.1f} %",
            "above the lower bound" if not plan.footprint.proven else "no layout is smaller",
            binary_size(plan.footprint.lower_bound),
        ),
        (engineering(part.seconds, "s"), f"time of {of_what}", f"run: {engineering(cost.total.seconds, 's')}"),
        (engineering(part.energy, "J"), f"energy of {of_what}", f"run: {engineering(cost.total.energy, 'J')}"),
    ]
    if far is not None:
        moved = sum(each.bytes for each in part.traffic if each.memory == far)
        figures.append((binary_size(moved), f"{far} traffic of {of_what}", f"run: {binary_size(plan.far_bytes)}"))
    cards = [
        element(
            "div",
            element("div", value, class_="value unknown" if value == UNKNOWN else "value"),
            element("div", name),
            element("div", more, class_="note"),
            class_="card",
        )
        for value, name, more in figures
    ]
    return element("div", *cards, class_="cards")


def _memory(plan: Plan, picture: Picture) -> Markup:
    what = "activations" if picture.memory == plan.target.roles.arena else "weights"
    if plan.target.roles.arena == plan.target.roles.weights:
        what = "activations and weights"
    return element(
        "figure",
        element("figcaption", f"{picture.memory}: {what}; {binary_size(picture.peak)} at its peak"),
        memory_svg(picture, plan.work, f"memory-{plan.target.roles.arena != picture.memory:d}"),
        _legend(picture),
        element("p", "Point at a buffer to see its name, size and lifetime.", class_="detail", aria_live="polite"),
    )


def _legend(picture: Picture) -> Markup:
    entries = [
        element("span", element("i", "", style=f"background-color:{color}", class_=kind), name)
        for name, color, kind in legend(picture)
    ]
    return element("div", *entries, class_="legend")


def _front(plan: Plan, front: Sequence[Plan]) -> list[Markup]:
    if not front:
        return []
    caption = (
        "What a run costs, by the size of the arena. Each point is a plan, and no other is better in memory, far bytes "
        "and MAC at once; the line is the least cost of those that a memory holds. The dashed line is this page's plan."
    )
    return [
        element("h2", "Cost against memory"),
        element("figure", element("figcaption", caption), front_svg(front, plan)),
        _table(front_table(front)),
    ]


def _facts(rows: Sequence[tuple[str, str]]) -> Markup:
    cells = [element("tr", element("th", name, scope="row"), element("td", value)) for name, value in rows]
    return element("div", element("table", joined(cells), class_="facts"), class_="scroll")


def _table(table: ReportTable) -> Markup:
    def cell(tag: str, index: int, content: str, scope: str | None = None) -> Markup:
        words = ["number"] if table.columns[index] in table.numbers else []
        words += ["unknown"] if content == UNKNOWN and tag == "td" else []
        return element(tag, content, class_=" ".join(words) or None, scope=scope)

    header = element("tr", *(cell("th", index, name, "col") for index, name in enumerate(table.columns)))
    rows = [
        element(
            "tr",
            *(cell("td", place, content) for place, content in enumerate(row)),
            class_="break" if index in table.breaks else None,
        )
        for index, row in enumerate(table.rows)
    ]
    parts = [
        element("h2", table.title[:1].upper() + table.title[1:]),
        element("div", element("table", element("thead", header), element("tbody", joined(rows))), class_="scroll"),
    ]
    if table.note:
        parts.append(element("p", table.note, class_="note"))
    return joined(parts)
