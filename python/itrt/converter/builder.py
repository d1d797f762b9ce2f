"""Builds the float graph of one section; lowering functions call it.

Values of the captured section map to `Part`s: a plain activation is one part, a concatenation along the channels is
several (it is never made), and zero padding is remembered until a convolution takes it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from itrt.converter.captured import Node, Parameter, Section, Value
from itrt.converter.float_graph import (
    UNBOUNDED,
    FloatAdd,
    FloatConstant,
    FloatConvolution,
    FloatOperator,
    FloatTensor,
    FloatTerm,
)
from itrt.converter.naming import OperatorNames

IMAGE = "image"
STATE = "state"


class UnsupportedOperatorError(Exception):
    """Raised by a lowering function; the message says what about the operator is not supported."""


class PoisonedInputError(Exception):
    """Raised when an operator's input could not be lowered: that one has been reported already."""


@dataclass(frozen=True)
class Part:
    """An activation, or some channels of a concatenation; padded by zeros (top, left, bottom, right)."""

    tensor: str
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)


class SectionBuilder:
    """The operators of one section, growing; ``tensors`` is shared by all sections of a network."""

    def __init__(self, section: Section, tensors: dict[str, FloatTensor], inputs: dict[str, str]) -> None:
        self.section = section
        self.tensors = tensors
        self.operators: dict[str, FloatOperator] = {}  # by output, in execution order
        self._values: dict[str, tuple[Part, ...]] = {name: (Part(tensor),) for name, tensor in inputs.items()}
        self._uses = Counter(value.name for node in section.nodes for value in _values_in(node.arguments))
        self._uses[section.output] += 1
        self._names = OperatorNames(section)

    # Reading values

    def parts(self, value: Any) -> tuple[Part, ...]:
        """Return the parts of an argument that must be an activation."""
        if not isinstance(value, Value):
            raise UnsupportedOperatorError(f"expected an activation, found {_kind(value)}")
        if value.name not in self._values:
            raise PoisonedInputError
        return self._values[value.name]

    def tensor(self, value: Any) -> str:
        """Return the one tensor that an argument stands for; not the image, which convolutions alone can read."""
        parts = self.parts(value)
        if len(parts) > 1:
            raise UnsupportedOperatorError("reads a concatenation, which only convolutions can do")
        if any(parts[0].padding):
            raise UnsupportedOperatorError("reads a zero-padded tensor, which only convolutions can do")
        return self._normalized_image() if parts[0].tensor == IMAGE else parts[0].tensor

    def shape(self, name: str) -> tuple[int, str, str]:
        """Return (channels, height, width) of a value of the section."""
        if name not in self.section.shapes:
            raise UnsupportedOperatorError("expected tensors of shape (1, channels, height, width)")
        return self.section.shapes[name]

    def tensor_of_size(self, height: str, width: str) -> str:
        """Return a tensor that has this height and width in every image."""
        for name, parts in self._values.items():
            if self.section.shapes.get(name, ())[1:] == (height, width) and not any(
                any(part.padding) for part in parts
            ):
                return parts[0].tensor
        raise UnsupportedOperatorError(f"its size ({height}, {width}) is not the size of another tensor")

    def fusable(self, value: Any) -> FloatOperator | None:
        """Return the operator of this section that makes the value, if nothing else reads it; else None."""
        parts = self.parts(value)
        if len(parts) > 1 or any(parts[0].padding) or self._uses[value.name] > 1:
            return None
        return self.operators.get(parts[0].tensor)

    # Defining values

    def alias(self, node: Node, source: Any) -> None:
        """Let the node's result be its input."""
        self._values[node.name] = self.parts(source)
        self._uses[node.name] += self._uses[source.name] - 1

    def define(self, node: Node, parts: tuple[Part, ...]) -> None:
        """Let the node's result be these parts."""
        self._values[node.name] = parts

    def write(self, node: Node, operator: FloatOperator) -> None:
        """Let the node's result be the operator's output; an operator that wrote it so far is replaced in its place."""
        self.operators[operator.output] = operator
        self._values[node.name] = (Part(operator.output),)

    def new_tensor(self, node: Node, kind: str) -> str:
        """Create the node's output tensor, named by its place in the module tree."""
        name = self._unique(self._names.of(node, kind))
        self.tensors[name] = FloatTensor(name, self.shape(node.name)[0])
        return name

    def output(self) -> str:
        """Return the tensor with the section's result, written by this section (copied if it is an input)."""
        tensor = self.tensor(Value(self.section.output))
        if tensor in self.operators:
            return tensor
        name = self._unique(f"{self.section.name}.output")
        self.tensors[name] = FloatTensor(name, self.tensors[tensor].channels)
        self.operators[name] = FloatAdd(name, (tensor,), (1.0,))
        return name

    def _unique(self, name: str) -> str:
        candidates = (name if count == 0 else f"{name}_{count}" for count in range(len(self.tensors) + 1))
        return next(candidate for candidate in candidates if candidate not in self.tensors)

    def _normalized_image(self) -> str:
        name = f"{self.section.name}.normalized_image"
        if name not in self.tensors:
            channels = self.tensors[IMAGE].channels
            ones = FloatConstant((np.ones(channels),))
            term = FloatTerm(IMAGE, FloatConstant((np.ones((channels, 1, 1, 1)),)), groups=channels)
            self.tensors[name] = FloatTensor(name, channels)
            self.operators[name] = FloatConvolution(name, (term,), ones, FloatConstant((np.zeros(channels),)))
        return name


def clamp_operator(operator: FloatConvolution | FloatAdd, lower: float, upper: float) -> FloatConvolution | FloatAdd:
    """Return the operator with a further clamp behind its own."""
    low, high = (min(max(bound, lower), upper) for bound in operator.clamp)
    return replace(operator, clamp=(low, high))


def is_unclamped(operator: FloatOperator) -> bool:
    """Return whether the operator is a convolution without an activation, into which more can be folded."""
    return isinstance(operator, FloatConvolution) and operator.clamp == UNBOUNDED


def _values_in(argument: Any) -> Iterator[Value]:
    if isinstance(argument, Value):
        yield argument
    elif isinstance(argument, (tuple, dict)):
        for entry in argument.values() if isinstance(argument, dict) else argument:
            yield from _values_in(entry)


def _kind(value: Any) -> str:
    return "a parameter" if isinstance(value, Parameter) else repr(value)
