"""The float graph of one section while it grows."""

from __future__ import annotations

from itrt.converter.captured import Node, Section, Value
from itrt.converter.float_graph import FloatTensor
from itrt.converter.float_operators import FloatOperator
from itrt.converter.naming import OperatorNames
from itrt.converter.unsupported import UnsupportedOperatorError
from itrt.converter.values import Part

IMAGE = "image"


class SectionGraph:
    """The operators of one section, in execution order, by output; all sections of a network share ``tensors``."""

    def __init__(self, section: Section, tensors: dict[str, FloatTensor]) -> None:
        self.section = section
        self.tensors = tensors
        self.operators: dict[str, FloatOperator] = {}
        self._nodes = {node.name: node for node in section.nodes}
        self._names = OperatorNames(section)

    def append(self, operator: FloatOperator) -> Part:
        """Add an operator, or put it in the place of the one that had the same output; return its output."""
        self.operators[operator.output] = operator
        return self.whole(operator.output)

    def remove(self, operator: FloatOperator) -> None:
        """Take an operator and its output away: nothing reads it any more."""
        del self.operators[operator.output]
        del self.tensors[operator.output]

    def is_read(self, tensor: str) -> bool:
        """Return whether an operator reads a tensor, if only its size."""
        return any(tensor in operator.inputs for operator in self.operators.values())

    def whole(self, tensor: str) -> Part:
        """Return all channels of a tensor."""
        return Part(tensor, range(self.tensors[tensor].channels))

    def shape(self, name: str) -> tuple[int, str, str]:
        """Return (channels, height, width) of a value of the section."""
        if name not in self.section.shapes:
            raise UnsupportedOperatorError("expected tensors of shape (1, channels, height, width)")
        return self.section.shapes[name]

    def new_tensor(self, node: Node, kind: str, channels: int | None = None) -> str:
        """Create an output tensor of the node, named by its place in the module tree."""
        channels = self.shape(node.name)[0] if channels is None else channels
        return self._create(self._names.of(node, kind), channels)

    def new_copy(self, value: Value, kind: str, channels: int) -> str:
        """Create a tensor for a copy of some of a value, which may be one that the section is given."""
        node = self._nodes.get(value.name)
        if node is not None:
            return self.new_tensor(node, kind, channels)
        return self._create(f"{self.section.name}.{kind}", channels)

    def new_output(self, channels: int) -> str:
        """Create a tensor for the section's result."""
        return self._create(f"{self.section.name}.output", channels)

    def _create(self, name: str, channels: int) -> str:
        candidates = (name if count == 0 else f"{name}_{count}" for count in range(len(self.tensors) + 1))
        unique = next(candidate for candidate in candidates if candidate not in self.tensors)
        self.tensors[unique] = FloatTensor(unique, channels)
        return unique
