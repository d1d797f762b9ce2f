"""Facts and tables against the plan that they are about."""

from __future__ import annotations

from dataclasses import replace

from itrt import planner
from itrt.planner.planning import DoesNotFitError, Plan
from itrt.planner.report import (
    ReportTable,
    comparison_table,
    facts,
    front_table,
    layer_table,
    measure_table,
    run_table,
    source_table,
    target_facts,
)
from itrt.text import binary_size, milliseconds
from reference.plans import naive_plan
from reference.programs import Choices, random_program


def column(table: ReportTable, name: str) -> list[str]:
    index = table.columns.index(name)
    return [row[index] for row in table.rows]


def test_facts_of_a_plan_that_decides_much(decided: Plan) -> None:
    found = dict(facts(decided))
    assert found["network"] == "small at 64x64: 3 iterations, 2 answers"
    assert decided.capacity
    text = f"{binary_size(decided.arena_bytes)} of {binary_size(decided.capacity)} in sram: fits, 66.7 %"
    assert found["arena"] == text
    assert found["stripes"] == "join to mix: 4 rows, halo recomputed, 2 iterations a pass"
    assert "1 layer fetched once an iteration" in found["weights"]
    assert "1 layer fetched in parts" in found["weights"]
    assert found["moved out"] == "image"
    assert "above the smallest" in found["lower bound"]


def test_facts_of_a_plan_that_decides_nothing(plan: Plan) -> None:
    proven = replace(plan, footprint=replace(plan.footprint, lower_bound=plan.arena_bytes, proven=True))
    found = dict(facts(proven))
    assert (found["stripes"], found["moved out"]) == ("none", "nothing")
    assert "no layout of these buffers is smaller" in found["lower bound"]
    assert "memory of weights" not in found


def test_a_cache_may_be_too_small_or_of_unknown_size(plan: Plan) -> None:
    small = dict(facts(replace(plan, capacity=plan.arena_bytes // 2)))
    assert "larger than the cache, 2" in small["arena"]
    assert "of unknown in sram: whether it fits is unknown" in dict(facts(replace(plan, capacity=None)))["arena"]


def test_weights_in_a_memory_of_their_own(work: planner.Workload) -> None:
    target = planner.load_target("max78000")
    found = dict(facts(naive_plan(work, target, capacity=10**6)))
    assert found["memory of weights"].endswith(f"of {binary_size(target.weights.size or 0)} in {target.roles.weights}")


def test_layers(decided: Plan) -> None:
    table = layer_table(decided)
    assert column(table, "layer") == [layer.name for layer in decided.work.layers]
    assert column(table, "ms") == [milliseconds(each.cost.seconds) for each in decided.cost.layers]
    assert column(table, "weights")[2:4] == ["held", "split in 4"]
    assert [bool(text) for text in column(table, "stripes")] == [False, False, True, True, True, True, False]
    assert set(column(table, "utilization")) <= {"unknown", ""}  # the device's granularity is not published
    assert len(table.breaks) == 2


def test_the_run(plan: Plan) -> None:
    table = run_table(plan)
    assert column(table, "part") == ["before the run", "stem", "an iteration", "head", "run"]
    assert column(table, "runs") == ["1", "1", "3", "2", ""]
    assert column(table, "ms")[-1] == milliseconds(plan.cost.total.seconds)
    assert column(table, "energy") == ["unknown"] * 5
    seconds, rate = plan.cost.iteration.seconds, plan.target.compute.rate("int8")
    assert seconds
    assert rate
    share = plan.cost.iteration.macs / (seconds * rate)
    assert column(table, "of peak")[2] == f"{share * 100:.1f} %"


def test_every_row_is_as_wide_as_its_header(decided: Plan, front: list[Plan]) -> None:
    forms = planner.measure(decided.work)
    tables = [
        layer_table(decided),
        run_table(decided),
        measure_table(forms),
        front_table(front),
        comparison_table([forms], [None]),
        comparison_table([forms], [decided]),
        source_table(decided.target),
    ]
    for table in tables:
        assert table.rows
        assert all(len(row) == len(table.columns) for row in table.rows)
        assert set(table.numbers) <= set(table.columns)


def test_the_front_marks_its_knee(front: list[Plan]) -> None:
    table = front_table(front)
    assert column(table, "arena") == ["1000 B", "2.0 KiB", "3.9 KiB", "7.8 KiB"]
    assert column(table, "") == ["", "knee", "", ""]


def test_networks_side_by_side(plan: Plan) -> None:
    other = planner.load_workload(random_program(3, Choices(loop=False)), 9, 9)
    forms = [planner.measure(plan.work), planner.measure(other), planner.measure(other)]
    table = comparison_table(forms, [plan, DoesNotFitError("no", 2048, "stem"), DoesNotFitError("no", None, None)])
    assert column(table, "arena") == [binary_size(plan.arena_bytes), "needs 2.0 KiB", "does not fit"]
    assert column(table, "unrolled, separate") == [binary_size(forms[0][2].graph_bytes), "", ""]
    assert column(table, "k") == ["3", "", ""]
    assert "arena" not in comparison_table(forms, [None, None, None]).columns


def test_every_figure_of_every_preset_has_a_source_or_is_unknown() -> None:
    for name in planner.presets():
        table = source_table(planner.load_target(name))
        for figure, value, source in table.rows:
            assert (value == "unknown") != bool(source), f"{name}: {figure}"


def test_presets_are_described_with_their_sources() -> None:
    targets = [planner.load_target(name) for name in planner.presets()]
    found = dict(target_facts(targets))
    assert list(found) == [target.name for target in targets]
    for target in targets:
        assert target.description in found[target.name]
        assert all(source in found[target.name] for source in target.sources.values())
    assert "arena sram, 384.0 KiB; far dram, unknown; int8 512 GMAC/s" in found["ethos-u65-512"]
