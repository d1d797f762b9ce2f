"""What a report says in tables: texts in rows, for the terminal and the page alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from itrt.planner.accelerator import Accelerator
from itrt.planner.cost import DATA_TYPE, Cost, LayerCost
from itrt.planner.measures import GraphMeasures
from itrt.planner.planning import DoesNotFitError, Plan
from itrt.planner.report.facts import striped_groups
from itrt.planner.report.front import knee
from itrt.planner.schedule import layer_label
from itrt.text import UNKNOWN, binary_size, counted, engineering, millions, milliseconds, percent


@dataclass(frozen=True)
class ReportTable:
    """A table of texts.

    Columns in ``numbers`` are aligned to the right; the first column has names. ``breaks`` are the rows before which
    there is a line; ``note`` says what a reader has to know.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[str] = frozenset()
    breaks: frozenset[int] = frozenset()
    note: str = ""


def layer_table(plan: Plan) -> ReportTable:
    """One execution of each layer: MAC, bytes by memory, cycles, time, bound, utilization."""
    memories = _memories(plan)
    columns = ("layer", "section", "stripes", "weights", "MAC", *memories, "cycles", "ms", "bound", "utilization")
    rows, breaks = [], set()
    for index, each in enumerate(plan.cost.layers):
        if index and each.layer.section != plan.cost.layers[index - 1].layer.section:
            breaks.add(index)
        rows.append(
            (
                layer_label(each.layer),
                each.layer.section,
                _rows(plan, index),
                str(plan.schedule.weights[index]) if each.layer.constant_bytes else "",
                *_costs(each.cost, memories),
                each.bound or UNKNOWN,
                _layer_utilization(each),
            )
        )
    return ReportTable(
        "layers, one execution each",
        columns,
        tuple(rows),
        frozenset(columns[4:]) - {"bound"},
        frozenset(breaks),
        "stripes: rows of the group's last output; bound: what takes longest; utilization: MAC by those of channels "
        "and rows rounded up to the granularity",
    )


def run_table(plan: Plan) -> ReportTable:
    """The parts of a run and their sum: time, traffic, energy, utilization."""
    memories, work, cost = _memories(plan), plan.work, plan.cost
    columns = ("part", "runs", "MAC", *memories, "cycles", "ms", "energy", "of peak")
    parts = [("before the run", "1", cost.setup)] if cost.setup.traffic else []
    parts += [
        ("an iteration" if section == "block" else section, str(work.executions(section)), cost.sections[section])
        for section in ("stem", "block", "head")
        if work.section(section)
    ]
    parts.append(("run", "", cost.total))
    rows = tuple(
        (name, runs, *_costs(part, memories), engineering(part.energy, "J"), percent(_of_peak(part, cost.accelerator)))
        for name, runs, part in parts
    )
    return ReportTable(
        "the run",
        columns,
        rows,
        frozenset(columns[1:]),
        frozenset({len(rows) - 1}),
        f"one execution each; the run is all of them: {counted(work.iterations, 'iteration')}, "
        f"{counted(work.answers, 'answer')}; of peak: MAC by what the units could compute in that time",
    )


def measure_table(measures: Iterable[GraphMeasures]) -> ReportTable:
    """The measures of the ItNet paper, a row a form."""
    columns = ("network", "form", "parameters", "MAC", "graph", "graph, peak live", "weights")
    found = list(measures)
    rows = tuple(
        (
            each.network,
            each.form,
            f"{each.parameters:,}",
            millions(each.macs),
            binary_size(each.graph_bytes),
            binary_size(each.peak_graph_bytes),
            binary_size(each.weight_bytes),
        )
        for each in found
    )
    breaks = frozenset(i for i in range(1, len(found)) if found[i].network != found[i - 1].network)
    return ReportTable("size of the computational graph", columns, rows, frozenset(columns[2:]), breaks)


def front_table(front: Sequence[Plan]) -> ReportTable:
    """The trade-off front of a sweep: memory against time, bytes of the far memory and MAC."""
    columns = ("arena", "far bytes", "MAC", "ms", "striped layers", "moved out", "")
    bend = knee(front)
    rows = tuple(
        (
            binary_size(plan.arena_bytes),
            binary_size(plan.far_bytes),
            millions(plan.macs),
            milliseconds(plan.cost.total.seconds),
            str(sum(len(group.layers) for group in striped_groups(plan))),
            str(len(plan.schedule.spilled)),
            "knee" if plan is bend else "",
        )
        for plan in front
    )
    return ReportTable("memory against cost of a run", columns, rows, frozenset(columns[:-1]))


def comparison_table(
    networks: Sequence[Sequence[GraphMeasures]], plans: Sequence[Plan | DoesNotFitError | None]
) -> ReportTable:
    """Networks side by side: parameters, MAC, sizes of the graph, and memory and time of their plans.

    Args:
        networks: what `measure` returns of each.
        plans: of each, or why there is none; None where nobody asked for one.

    """
    columns = ("network", "k", "parameters", "MAC", "graph", "unrolled, shared", "unrolled, separate")
    planned = ("arena", "ms an iteration", "ms a run") if any(plan is not None for plan in plans) else ()
    rows = []
    for forms, plan in zip(networks, plans, strict=True):
        once, *unrolled = forms
        rows.append(
            (
                once.network,
                str(once.iterations) if unrolled else "",
                f"{once.parameters:,}",
                millions(once.macs),
                binary_size(once.graph_bytes),
                *([binary_size(each.graph_bytes) for each in unrolled] or ["", ""]),
                *(_planned(plan) if planned else ()),
            )
        )
    return ReportTable(
        "networks side by side",
        (*columns, *planned),
        tuple(rows),
        frozenset((*columns[1:], *planned)),
        note="graph: bytes of weights and of the activations of all nodes, of the looped network and of it unrolled",
    )


def _planned(plan: Plan | DoesNotFitError | None) -> tuple[str, str, str]:
    if isinstance(plan, Plan):
        iteration = milliseconds(plan.cost.iteration.seconds) if plan.work.state is not None else ""
        return binary_size(plan.arena_bytes), iteration, milliseconds(plan.cost.total.seconds)
    if plan is None:
        return "", "", ""
    return "does not fit" if plan.smallest is None else f"needs {binary_size(plan.smallest)}", "", ""


def _memories(plan: Plan) -> tuple[str, ...]:
    """Those that anything moves in, the arena first."""
    roles = plan.target.roles
    moved = {each.memory for each in plan.cost.total.traffic}
    return tuple(name for name in dict.fromkeys((roles.arena, roles.weights, roles.far)) if name in moved)


def _rows(plan: Plan, index: int) -> str:
    """Of a stripe of the layer's group, of its last layer's output."""
    group = plan.schedule.group_of(index)
    output = plan.work.layers[group.last].output
    return "" if group.rows is None else f"{group.rows} of {plan.work.tensors[output].height} rows"


def _costs(cost: Cost, memories: tuple[str, ...]) -> tuple[str, ...]:
    moved = {each.memory: each.bytes for each in cost.traffic}
    cycles = UNKNOWN if cost.compute_cycles is None else f"{cost.compute_cycles:,.0f}"
    sizes = (binary_size(moved[name]) if moved.get(name) else "" for name in memories)
    return (millions(cost.macs), *sizes, cycles, milliseconds(cost.seconds))


def _layer_utilization(each: LayerCost) -> str:
    return percent(each.utilization) if each.cost.macs else ""


def _of_peak(cost: Cost, target: Accelerator) -> float | None:
    """Of what the units could compute in the time."""
    rate = target.compute.rate(DATA_TYPE)
    if rate is None or cost.seconds is None:
        return None
    return cost.macs / (rate * cost.seconds) if cost.seconds else 0.0
