"""The measures of the ItNet paper (Pfeil, arXiv 2101.08685): parameters, MAC and the size of the computational graph.

The paper is about accelerators on which every neuron and every synapse of a network has a physical counterpart: the
graph is laid out in space, and what it takes is memory for all of its weights and for the activations of all of its
nodes. A loop executes one set of nodes k times. Unrolled, the same computation has k sets:

    looped                       image ─► stem ─► block ⟲ ─► head                       1 set of nodes and weights
    unrolled, shared weights     image ─► stem ─► block ─► block ─► block ─► head       k sets of nodes, 1 of weights
    unrolled, separate weights                                                          k sets of both

What is counted here, in bytes of the int8 network:

- weights: int8 weights, biases and requantization vectors; where a constant has one value a step, those of all steps
  that run, in every form.
- parameters: the numbers in these, of whatever size.
- activations held: every tensor of every node, the image among them, each with memory of its own. An unrolled graph has
  a head for each answer.
- activations, peak live: the most that is needed at one time if the operators run one after another and a tensor is
  freed behind its last reader, as on a CPU or an NPU. Alignment, offsets and fusion, which may add to it or take from
  it, are not considered.

The size of the graph is weights + activations held; `peak_graph_bytes` is weights + peak live.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from itrt.planner.workload import Layer, Section, Workload

Form = Literal["feed-forward", "looped", "unrolled, shared weights", "unrolled, separate weights"]
_Node = tuple[int, int]  # a tensor, and the step that writes it


@dataclass(frozen=True)
class GraphMeasures:
    """One form of a network at an image's size; ``macs`` are those of the whole run."""

    network: str
    form: Form
    height: int
    width: int
    iterations: int
    answers: int
    parameters: int
    macs: int
    weight_bytes: int
    held_activation_bytes: int
    peak_activation_bytes: int

    @property
    def graph_bytes(self) -> int:
        """The size of the computational graph: every node has memory of its own."""
        return self.weight_bytes + self.held_activation_bytes

    @property
    def peak_graph_bytes(self) -> int:
        """What has to be held at one time if operators run one after another."""
        return self.weight_bytes + self.peak_activation_bytes

    def row(self) -> dict[str, Any]:
        """All numbers as plain data."""
        return {**asdict(self), "graph_bytes": self.graph_bytes, "peak_graph_bytes": self.peak_graph_bytes}


def measure(work: Workload) -> tuple[GraphMeasures, ...]:
    """Return the measures of a network: looped, and unrolled with shared and with separate weights.

    A network without a loop has one form, feed-forward.
    """
    image = work.tensors[work.image]
    shared_bytes, shared_parameters = _constants(work, copies=1)
    looped = GraphMeasures(
        network=work.name,
        form="looped",
        height=image.height,
        width=image.width,
        iterations=work.iterations,
        answers=work.answers,
        parameters=shared_parameters,
        macs=work.macs,
        weight_bytes=shared_bytes,
        held_activation_bytes=_held(work, blocks=1, heads=1),
        # Two iterations with answers show all that is live at one time in a loop without an end.
        peak_activation_bytes=_peak(work, iterations=2, answers=2),
    )
    if work.state is None:
        return (replace(looped, form="feed-forward"),)
    unrolled = replace(
        looped,
        form="unrolled, shared weights",
        held_activation_bytes=_held(work, work.iterations, work.answers),
        peak_activation_bytes=_peak(work, work.iterations, work.answers),
    )
    separate_bytes, separate_parameters = _constants(work, copies=work.iterations)
    separate = replace(
        unrolled, form="unrolled, separate weights", weight_bytes=separate_bytes, parameters=separate_parameters
    )
    return looped, unrolled, separate


def compare(networks: Sequence[Workload]) -> list[dict[str, Any]]:
    """Return all measures of networks side by side: a row a network and form, plain data for a table or JSON."""
    return [each.row() for work in networks for each in measure(work)]


def _constants(work: Workload, copies: int) -> tuple[int, int]:
    """Bytes and number of all constants that a run uses; the block has `copies` of those that all steps share."""
    bytes_in_all = parameters = 0
    for layer in work.layers:
        sets = copies if layer.section == "block" else 1
        steps = work.executions(layer.section)
        for each in (layer.weights, layer.vectors):
            bytes_in_all += (each.bytes - each.per_step_bytes) * sets + each.per_step_bytes * steps
            parameters += (each.elements - each.per_step_elements) * sets + each.per_step_elements * steps
    return bytes_in_all, parameters


def _held(work: Workload, blocks: int, heads: int) -> int:
    """Every tensor of every node."""
    copies: dict[Section, int] = {"stem": 1, "block": blocks, "head": heads}
    written = sum(work.tensors[layer.output].bytes * copies[layer.section] for layer in work.layers)
    return work.tensors[work.image].bytes + written


def _peak(work: Workload, iterations: int, answers: int) -> int:
    """The most bytes that are live at one time; the head runs after the last `answers` iterations."""
    accesses = list(_accesses(work, iterations, answers))
    last = {node: time for time, (reads, written) in enumerate(accesses) for node in (*reads, written)}
    image: _Node = (work.image, -1)
    live = {image}
    peak = work.tensors[work.image].bytes
    for time, (_, written) in enumerate(accesses):
        live.add(written)
        peak = max(peak, sum(work.tensors[tensor].bytes for tensor, _ in live))
        live = {node for node in live if last.get(node, -1) > time}
    return peak


def _accesses(work: Workload, iterations: int, answers: int) -> Iterator[tuple[list[_Node], _Node]]:
    """What each execution of a layer reads and writes, in the order of a run. Steps count from 0; the stem's is -1."""
    before_the_loop = {work.image, *(layer.output for layer in work.section("stem"))}

    def reads(layer: Layer, step: int, state_step: int) -> list[_Node]:
        return [node(tensor, step, state_step) for tensor in layer.inputs]

    def node(tensor: int, step: int, state_step: int) -> _Node:
        if tensor == work.state and work.next_state is not None and state_step >= 0:
            return work.next_state, state_step  # what was the next state is the state now
        return tensor, -1 if tensor in before_the_loop else step

    for layer in work.section("stem"):
        yield reads(layer, -1, -1), (layer.output, -1)
    for step in range(iterations if work.state is not None else 1):
        for layer in work.section("block"):
            yield reads(layer, step, step - 1), (layer.output, step)
        if work.state is None or step >= iterations - answers:
            for layer in work.section("head"):
                yield reads(layer, step, step), (layer.output, step)
