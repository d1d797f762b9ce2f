"""Merges the exports of the block at every step into one section, or says where they differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from itrt.converter.captured import Node, Parameter, Section
from itrt.errors import ConversionError


def merge_steps(sections: Sequence[Section]) -> Section:
    """Return the one section that all steps execute: parameters that differ by step get one value a step.

    Raises
    ------
    ConversionError
        If a step has other operators than the first, naming the step and the first operator that differs.
    """
    first = sections[0]
    nodes = []
    for index, node in enumerate(first.nodes):
        others = [_node_at(sections, step, index, node) for step in range(1, len(sections))]
        arguments = {
            name: _merge(value, [other.arguments[name] for other in others], node)
            for name, value in node.arguments.items()
        }
        nodes.append(replace(node, arguments=arguments))
    for step, section in enumerate(sections):
        if len(section.nodes) > len(first.nodes):
            extra = section.nodes[len(first.nodes)]
            raise ConversionError(f"block: step {step} has {_describe(extra)} where step 0 has ended")
        if section.output != first.output:
            raise ConversionError(f"block: step {step} returns {section.output}, step 0 returns {first.output}")
    return replace(first, nodes=tuple(nodes))


def any_differs(section: Section) -> bool:
    """Return whether any parameter has a value for each step."""
    return any(_differs(node.arguments) for node in section.nodes)


def _differs(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_differs, value.values()))
    if isinstance(value, tuple):
        return any(map(_differs, value))
    return isinstance(value, Parameter) and len(value.values) > 1


def _node_at(sections: Sequence[Section], step: int, index: int, expected: Node) -> Node:
    nodes = sections[step].nodes
    if index >= len(nodes):
        raise ConversionError(f"block: step {step} ends where step 0 has {_describe(expected)}")
    node = nodes[index]
    if node.operator != expected.operator:
        raise ConversionError(f"block: step {step} has {_describe(node)} where step 0 has {_describe(expected)}")
    return node


def _merge(value: Any, others: list[Any], node: Node) -> Any:
    """Merge one argument over the steps; ``others`` are the values of steps 1, 2, ..."""
    if isinstance(value, tuple) and all(isinstance(other, tuple) and len(other) == len(value) for other in others):
        return tuple(_merge(entry, [other[place] for other in others], node) for place, entry in enumerate(value))
    if isinstance(value, Parameter):
        return _merge_parameter(value, others, node)
    for step, other in enumerate(others, start=1):
        if other != value:
            raise ConversionError(f"block: {_describe(node)}: step {step} has argument {other}, step 0 has {value}")
    return value


def _merge_parameter(value: Parameter, others: list[Any], node: Node) -> Parameter:
    tensors = [value.values[0]]
    for step, other in enumerate(others, start=1):
        if not isinstance(other, Parameter) or other.values[0].shape != tensors[0].shape:
            found = tuple(other.values[0].shape) if isinstance(other, Parameter) else other
            raise ConversionError(
                f"block: {_describe(node)}: step {step} has a parameter {found}, step 0 has {tuple(tensors[0].shape)}"
            )
        tensors.append(other.values[0])
    if all(torch.equal(tensors[0], tensor) for tensor in tensors[1:]):
        return value
    return Parameter(tuple(tensors))


def _describe(node: Node) -> str:
    return f"{node.operator} at {node.path or 'the top'}"
