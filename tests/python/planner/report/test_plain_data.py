"""A plan as JSON: everything is there, in plain types, with None for what is unknown."""

from __future__ import annotations

import json

from itrt import planner
from itrt.planner.planning import DoesNotFitError, Plan
from itrt.planner.report import as_json, comparison_data, misfit_data, plan_data
from reference.plans import naive_plan


def test_every_buffer_and_layer(decided: Plan) -> None:
    found = json.loads(as_json(plan_data(decided)))
    assert [(b["name"], b["kind"], b["offset_bytes"], b["size_bytes"]) for b in found["buffers"]] == [
        (b.name, b.kind, b.offset, b.size) for b in decided.footprint.buffers
    ]
    names = "first_step", "end_step", "offset_bytes", "size_bytes"
    assert [[tuple(piece[name] for name in names) for piece in b["pieces"]] for b in found["buffers"]] == [
        [(piece.begin, piece.end, b.offset + piece.offset, piece.size) for piece in b.pieces]
        for b in decided.footprint.buffers
    ]
    assert [layer["name"] for layer in found["layers"]] == [layer.name for layer in decided.work.layers]
    assert [layer["macs"] for layer in found["layers"]] == [layer.macs for layer in decided.work.layers]


def test_what_was_decided(decided: Plan) -> None:
    found = json.loads(as_json(plan_data(decided)))
    assert found["fits"] is True
    assert found["spilled_tensors"] == ["image"]
    assert {
        "first_layer": 2,
        "last_layer": 5,
        "section": "block",
        "rows": 4,
        "halo": "recomputed",
        "iterations_a_pass": 2,
    } in found["groups"]
    assert [(each["weights"], each["weight_parts"]) for each in found["layers"][2:4]] == [("held", 1), ("split", 4)]
    assert (found["capacity_bytes"], found["arena_bytes"]) == (decided.capacity, decided.arena_bytes)


def test_costs_add_up(plan: Plan) -> None:
    costs = json.loads(as_json(plan_data(plan)))["costs"]
    runs = {"setup": 1, "stem": 1, "block": 3, "head": 2}
    assert sum(costs[part]["macs"] * count for part, count in runs.items()) == costs["run"]["macs"]
    for memory in ("sram", "dram"):
        moved = {
            part: sum(
                each["read_bytes"] + each["written_bytes"] for each in cost["traffic"] if each["memory"] == memory
            )
            for part, cost in costs.items()
        }
        assert sum(moved[part] * count for part, count in runs.items()) == moved["run"]


def test_the_target_with_its_sources(plan: Plan) -> None:
    target = json.loads(as_json(plan_data(plan)))["target"]
    assert target["name"] == "ethos-u65-512"
    assert {memory["name"]: memory["size_bytes"] for memory in target["memories"]} == {"sram": 384 << 10, "dram": None}
    assert target["sources"] == dict(plan.target.sources)


def test_unknown_is_null(work: planner.Workload) -> None:
    found = json.loads(as_json(plan_data(naive_plan(work, planner.load_target("max78000"), capacity=10**6))))
    assert found["costs"]["run"]["energy_joules"] is None
    assert found["costs"]["run"]["seconds"] is None


def test_the_front(plan: Plan, front: list[Plan]) -> None:
    found = json.loads(as_json(plan_data(plan, front)))["front"]
    assert [(each["arena_bytes"], each["far_bytes"]) for each in found] == [
        (1000, 9000),
        (2000, 3000),
        (4000, 2500),
        (8000, 2000),
    ]


def test_what_does_not_fit() -> None:
    found = misfit_data(DoesNotFitError("too large", 1234, "stem"))
    assert found == {"fits": False, "message": "too large", "smallest_bytes": 1234, "deciding_layer": "stem"}


def test_comparisons(plan: Plan) -> None:
    forms = planner.measure(plan.work)
    assert comparison_data(forms, None)["plan"] is None
    assert comparison_data(forms, plan)["plan"] == plan_data(plan)
    assert comparison_data(forms, DoesNotFitError("too large", None, None))["plan"]["fits"] is False
    assert [each["form"] for each in comparison_data(forms, None)["measures"]] == [each.form for each in forms]
