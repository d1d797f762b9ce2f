"""The paper's measures: a small network by hand, and random ones against a graph that is really unrolled."""

from __future__ import annotations

import json

import pytest

from itrt import planner
from itrt.format import Operator, Program, inputs_of
from itrt.format.costs import operator_costs, tensor_sizes
from itrt.planner import GraphMeasures
from reference.programs import Choices, random_program
from reference.small_program import small_program

SEEDS = range(25)


def forms(program: Program, iterations: int, answers: int = 1, size: tuple[int, int] = (64, 64)) -> list[GraphMeasures]:
    return list(planner.measure(planner.load_workload(program, *size, iterations=iterations, answers=answers)))


# Bytes of the small program's tensors for an image of 64x64.
IMAGE, FEATURES, STATE, JOINED = 64 * 64 * 3, 16 * 16 * 8, 16 * 16 * 8, 16 * 16 * 8
LOW, UP, NEXT, LOGITS = 8 * 8 * 12, 16 * 16 * 12, 16 * 16 * 8, 16 * 16 * 11
BLOCK = JOINED + LOW + UP + NEXT


def test_nodes_by_hand() -> None:
    looped, shared, separate = forms(small_program(None), iterations=3, answers=2)
    once = IMAGE + FEATURES + STATE
    assert looped.held_activation_bytes == once + BLOCK + LOGITS
    assert shared.held_activation_bytes == separate.held_activation_bytes == once + 3 * BLOCK + 2 * LOGITS


def test_weights_by_hand() -> None:
    looped, shared, separate = forms(small_program(None), iterations=3)
    stem, head = 8 * 75 + 8 * 8, 11 * 8 + 11 * 8
    block = 8 * 80 + 12 * 72 + 8 * 12 + 8 * 18 + (8 + 12 + 8) * 8
    assert looped.weight_bytes == shared.weight_bytes == stem + block + head
    assert separate.weight_bytes == stem + 3 * block + head
    vectors = 8 + 3 * (8 + 12 + 8) + 11
    assert separate.parameters == separate.weight_bytes - 8 * vectors + 2 * vectors  # 8 bytes hold two numbers


def test_vectors_of_each_step_are_in_every_form() -> None:
    looped, shared, separate = forms(small_program(3), iterations=3)
    endless = forms(small_program(None), iterations=3)[0]
    assert looped.weight_bytes == shared.weight_bytes == endless.weight_bytes + 2 * (8 + 12 + 8) * 8
    assert separate.weight_bytes == forms(small_program(None), iterations=3)[2].weight_bytes


def test_peak_by_hand() -> None:
    looped, shared, _ = forms(small_program(None), iterations=3)
    rise = FEATURES + JOINED + LOW + UP  # the state has had its last reader
    mix = FEATURES + JOINED + UP + NEXT
    assert looped.peak_activation_bytes == shared.peak_activation_bytes == max(IMAGE + FEATURES, rise, mix)


def test_what_the_sizes_are_made_of() -> None:
    for each in forms(small_program(3), iterations=2):
        assert each.graph_bytes == each.weight_bytes + each.held_activation_bytes
        assert each.peak_graph_bytes == each.weight_bytes + each.peak_activation_bytes


def test_a_loop_does_not_grow() -> None:
    one, many = forms(small_program(None), 1)[0], forms(small_program(None), 50)[0]
    assert (one.graph_bytes, one.peak_graph_bytes) == (many.graph_bytes, many.peak_graph_bytes)
    assert many.macs > one.macs


def test_a_network_without_a_loop_has_one_form() -> None:
    program = random_program(3, Choices(loop=False))
    (only,) = forms(program, 1, size=(9, 9))
    sizes = tensor_sizes(program, 9, 9)
    assert only.form == "feed-forward"
    assert only.held_activation_bytes == sum(
        size[0] * size[1] * tensor.channels for size, tensor in zip(sizes, program.tensors, strict=True)
    )


class UnrolledGraph:
    """The naive oracle: every version of a tensor is a node with a name; one list of what happens, step by step."""

    def __init__(self, program: Program, iterations: int, answers: int, size: tuple[int, int]):
        heights = tensor_sizes(program, *size)
        self.size_of = {
            index: height * width * program.tensors[index].channels for index, (height, width) in enumerate(heights)
        }
        latest = {program.image: "image"}
        self.bytes = {"image": self.size_of[program.image]}
        self.events: list[tuple[list[str], str]] = []
        for operator in program.stem:
            self.execute(operator, latest, "stem")
        for step in range(iterations if program.block else 1):
            versions = dict(latest)
            for operator in program.block:
                self.execute(operator, versions, f"step {step}")
            if program.state is not None and program.next_state is not None:
                latest[program.state] = versions[program.next_state]
            if not program.block or step >= iterations - answers:
                readable = dict(latest)
                for operator in program.head:
                    self.execute(operator, readable, f"answer {step}")

    def execute(self, operator: Operator, versions: dict[int, str], when: str) -> None:
        inputs = inputs_of(operator)
        node = f"{operator.name}, {when}"
        self.bytes[node] = self.size_of[operator.output]
        self.events.append(([versions[index] for index in inputs], node))
        versions[operator.output] = node

    def held(self) -> int:
        return sum(self.bytes.values())

    def peak(self) -> int:
        def is_live(node: str, time: int) -> bool:
            is_there = node == "image" or any(node == written for _, written in self.events[: time + 1])
            return is_there and any(node in reads for reads, _ in self.events[time:])

        totals = [
            sum(size for node, size in self.bytes.items() if node == written or is_live(node, time))
            for time, (_, written) in enumerate(self.events)
        ]
        return max(self.bytes["image"], *totals)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_networks_against_a_graph_that_is_unrolled(seed: int) -> None:
    program = random_program(seed)
    iterations = min(3, program.max_iterations or 3)
    answers = 1 + seed % iterations
    found = forms(program, iterations, answers, size=(11, 14))
    graph = UnrolledGraph(program, iterations, answers, (11, 14))
    for each in found[1:] or found:
        assert each.held_activation_bytes == graph.held()
        assert each.peak_activation_bytes == graph.peak()


@pytest.mark.parametrize("seed", SEEDS)
def test_constants_of_all_steps_are_those_of_the_file(seed: int) -> None:
    program = random_program(seed)
    steps = program.max_iterations or 1
    sizes = tensor_sizes(program, 11, 14)
    costs = [operator_costs(operator, sizes) for operator in (*program.stem, *program.block, *program.head)]
    found = forms(program, steps, answers=steps, size=(11, 14))[0]
    assert found.weight_bytes == sum(each.bytes for each in costs)
    assert found.parameters == sum(each.parameters for each in costs)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_loop_holds_as_much_at_one_time_as_many_iterations_with_answers(seed: int) -> None:
    program = random_program(seed, Choices(loop=True, limited=False))
    looped = forms(program, 1, size=(11, 14))[0]
    assert looped.peak_activation_bytes == UnrolledGraph(program, 4, 4, (11, 14)).peak()


@pytest.mark.parametrize("seed", SEEDS)
def test_forms_in_order(seed: int) -> None:
    program = random_program(seed, Choices(loop=True))
    iterations = program.max_iterations or 3
    looped, shared, separate = forms(program, iterations, size=(11, 14))
    assert looped.graph_bytes <= shared.graph_bytes <= separate.graph_bytes
    assert looped.parameters == shared.parameters <= separate.parameters
    assert looped.macs == shared.macs == separate.macs
    assert shared.peak_graph_bytes <= shared.graph_bytes


def test_networks_side_by_side() -> None:
    networks = [
        planner.load_workload(small_program(None), 64, 64),
        planner.load_workload(random_program(3, Choices(loop=False)), 64, 64),
    ]
    rows = planner.compare(networks)
    assert [(row["network"], row["form"]) for row in rows] == [
        ("small", "looped"),
        ("small", "unrolled, shared weights"),
        ("small", "unrolled, separate weights"),
        ("random-3", "feed-forward"),
    ]
    assert json.loads(json.dumps(rows)) == rows
    assert rows[0]["graph_bytes"] == rows[0]["weight_bytes"] + rows[0]["held_activation_bytes"]
