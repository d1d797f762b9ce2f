"""Lowering of operators that work pixel by pixel: activations and additions."""

from __future__ import annotations

import math
from typing import Any

from itrt.converter.builder import SectionBuilder, UnsupportedOperatorError, clamp_operator
from itrt.converter.captured import Node
from itrt.converter.float_graph import FloatAdd, FloatResize


def lower_relu(node: Node, section: SectionBuilder) -> None:
    """max(x, 0)."""
    _lower_clamp(node, section, 0.0, math.inf)


def lower_relu6(node: Node, section: SectionBuilder) -> None:
    """min(max(x, 0), 6)."""
    _lower_clamp(node, section, 0.0, 6.0)


def lower_hardtanh(node: Node, section: SectionBuilder) -> None:
    """Clamp to [min_val, max_val]."""
    _lower_clamp(node, section, float(node.arguments["min_val"]), float(node.arguments["max_val"]))


def lower_clamp(node: Node, section: SectionBuilder) -> None:
    """Clamp to [min, max], either of which may be missing."""
    lower, upper = node.arguments.get("min"), node.arguments.get("max")
    _lower_clamp(node, section, -math.inf if lower is None else lower, math.inf if upper is None else upper)


def _lower_clamp(node: Node, section: SectionBuilder, lower: Any, upper: Any) -> None:
    """Move a clamp into the operator before it; on its own it is an addition with one input."""
    if not isinstance(lower, (int, float)) or not isinstance(upper, (int, float)) or lower > upper:
        raise UnsupportedOperatorError(f"has bounds {lower} and {upper}; two ordered numbers are supported")
    source = node.arguments.get("self", node.arguments.get("input"))
    producer = section.fusable(source)
    if producer is not None and not isinstance(producer, FloatResize):
        section.write(node, clamp_operator(producer, float(lower), float(upper)))
        return
    tensor = section.tensor(source)
    output = section.new_tensor(node, "clamp")
    section.write(node, FloatAdd(output, (tensor,), (1.0,), (float(lower), float(upper))))


def lower_add(node: Node, section: SectionBuilder) -> None:
    """Add two activations of one shape."""
    _lower_sum(node, section, 1.0)


def lower_sub(node: Node, section: SectionBuilder) -> None:
    """Subtract two activations of one shape."""
    _lower_sum(node, section, -1.0)


def _lower_sum(node: Node, section: SectionBuilder, sign: float) -> None:
    left, right = node.arguments["self"], node.arguments["other"]
    tensors = section.tensor(left), section.tensor(right)
    if section.shape(left.name) != section.shape(right.name):
        raise UnsupportedOperatorError(
            f"combines shapes {section.shape(left.name)} and {section.shape(right.name)}; equal ones are supported"
        )
    output = section.new_tensor(node, "add")
    section.write(node, FloatAdd(output, tensors, (1.0, sign * float(node.arguments["alpha"]))))
