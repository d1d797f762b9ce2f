"""The geometry of the memory picture."""

from __future__ import annotations

from dataclasses import replace

import pytest

from itrt import planner
from itrt.planner.footprint import Piece
from itrt.planner.planning import Plan
from itrt.planner.report.picture import pictures
from reference.plans import naive_plan
from reference.programs import random_program


def test_a_rectangle_a_piece(plan: Plan) -> None:
    (picture,) = pictures(plan)
    expected = [
        (index, buffer.name, piece.begin, piece.end, buffer.offset + piece.offset, piece.size)
        for index, buffer in enumerate(plan.footprint.buffers)
        for piece in buffer.pieces
    ]
    assert [(r.buffer, r.name, r.begin, r.end, r.offset, r.size) for r in picture.rectangles] == expected


def test_state_around_the_loop_has_several(plan: Plan) -> None:
    buffers = list(plan.footprint.buffers)
    state = next(i for i, each in enumerate(buffers) if each.name == "state")
    buffers[state] = replace(buffers[state], pieces=(Piece(1, 3, 64, offset=32), Piece(5, 7, 96)))
    (picture,) = pictures(replace(plan, footprint=replace(plan.footprint, buffers=tuple(buffers))))
    found = [(r.begin, r.end, r.offset, r.size) for r in picture.rectangles if r.buffer == state]
    offset = buffers[state].offset
    assert found == [(1, 3, offset + 32, 64), (5, 7, offset, 96)]


def test_sections_and_their_executions(plan: Plan) -> None:
    (picture,) = pictures(plan)
    layers = [len(plan.work.section(section)) for section in ("stem", "block", "head")]
    assert [(span.section, span.end - span.begin, span.often) for span in picture.spans] == [
        ("stem", layers[0], "once"),
        ("block", layers[1], "3 x"),
        ("head", layers[2], "2 x"),
    ]
    assert picture.spans[-1].end == picture.end_step == len(plan.work.layers)
    assert picture.first_step == -1  # weights are loaded before


def test_memories_of_their_own_have_pictures_of_their_own(plan: Plan) -> None:
    target = planner.load_target("max78000")
    arena, weights = pictures(naive_plan(plan.work, target, capacity=10**6))
    assert (arena.memory, weights.memory) == (target.roles.arena, target.roles.weights)
    assert {each.kind for each in arena.rectangles} == {"tensor"}
    assert {each.kind for each in weights.rectangles} == {"weights"}
    assert weights.capacity == target.weights.size


def test_a_capacity_far_above_does_not_flatten_the_picture(plan: Plan) -> None:
    (near,) = pictures(plan)
    (far,) = pictures(replace(plan, capacity=plan.arena_bytes * 100))
    assert near.shows_capacity
    assert not far.shows_capacity
    assert far.top < plan.arena_bytes * 2


@pytest.mark.parametrize("seed", range(12))
def test_random_networks(seed: int) -> None:
    program = random_program(seed)
    work = planner.load_workload(program, 23, 31)
    found = naive_plan(work, planner.load_target("ethos-u65-512"))
    (picture,) = pictures(found)
    assert picture.peak == found.arena_bytes
    for each in picture.rectangles:
        assert picture.first_step <= each.begin < each.end <= picture.end_step
        assert 0 <= each.offset < each.offset + each.size <= picture.peak <= picture.top
    for step, live in enumerate(picture.live_bytes, start=picture.first_step):
        assert live == sum(each.size for each in picture.rectangles if each.begin <= step < each.end) <= picture.peak
    assert picture.live_bytes[picture.peak_step - picture.first_step] == max(picture.live_bytes)
    assert picture.labels[max(picture.peak_step, 0)] == found.deciding_layer or max(picture.live_bytes) == max(
        picture.live_bytes[-picture.first_step :]
    )
