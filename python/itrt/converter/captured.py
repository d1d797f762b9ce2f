"""What capture hands to lowering: the operators of a section, their parameters by step, plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor


@dataclass(frozen=True)
class Value:
    """A reference to an activation: a section's input or a node's result."""

    name: str


@dataclass(frozen=True, eq=False)
class Parameter:
    """A weight, a buffer or anything computed from them alone: one tensor, or one a step."""

    values: tuple[Tensor, ...]


@dataclass(frozen=True)
class Node:
    """One ATen operator. ``arguments`` are complete (defaults filled in), by their names in the operator's schema.

    Symbolic sizes among them are strings. ``path`` is the place in the module tree, such as "blocks.0.join".
    """

    name: str
    operator: str
    arguments: dict[str, Any]
    path: str


@dataclass(frozen=True)
class Section:
    """The stem, the block or the head: nodes in execution order.

    ``shapes`` holds (channels, height, width) of every 4-D activation, height and width as expressions of the
    inputs' "height" and "width"; an activation (1, features) counts as one pixel. ``dimensions`` holds the whole shape
    of every activation, batch included, as such expressions.
    """

    name: str
    inputs: tuple[str, ...]
    nodes: tuple[Node, ...]
    output: str
    shapes: dict[str, tuple[int, str, str]]
    dimensions: dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class CapturedNetwork:
    """All sections; ``block`` and ``head`` are None for a network without a loop (everything is in the stem)."""

    stem: Section
    block: Section | None
    head: Section | None
    iterations: int
    max_iterations: int | None
    steps: int
