"""Builds the float graph of one section; lowering functions call it.

Values of the captured section are parts of tensors (`values`): nothing is copied until an operator needs it. What an
operator may change in place of being appended (an activation goes into the convolution before it) is a `Source`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from itrt.converter.captured import Node, Parameter, Section, Value
from itrt.converter.copies import Copies
from itrt.converter.float_graph import FloatTensor
from itrt.converter.float_operators import FloatAdd, FloatOperator, FloatResize
from itrt.converter.section_graph import SectionGraph
from itrt.converter.sizes import same
from itrt.converter.unsupported import PoisonedInputError, UnsupportedOperatorError
from itrt.converter.values import NO_PADDING, Arrangement, Part


@dataclass(frozen=True)
class Source:
    """A whole tensor that is some of a value's channels: ``first`` and the next ``channels - 1``.

    ``operator`` may be changed: nothing but the value's reader reads what it makes. None where that is not so. Its
    output channel j becomes the value's channel ``places[j]`` (a transposed convolution has a channel for each phase).
    """

    tensor: str
    first: int
    channels: int
    operator: FloatOperator | None
    places: NDArray[np.int64]


class SectionBuilder(SectionGraph):
    """The graph of one section, and which parts of its tensors the section's values are."""

    def __init__(self, section: Section, tensors: dict[str, FloatTensor], inputs: dict[str, str]) -> None:
        super().__init__(section, tensors)
        self.copies = Copies(self)
        self._values: dict[str, tuple[Part, ...] | Arrangement] = {
            name: (self.whole(tensor),) for name, tensor in inputs.items()
        }
        self._results: dict[str, Sequence[tuple[Part, ...] | Arrangement]] = {}  # of nodes with several
        self._uses = Counter(value.name for node in section.nodes for value in _values_in(node.arguments))
        self._uses[section.output] += 1
        self._behind: dict[str, tuple[str, NDArray[np.int64]]] = {}

    # Reading values

    def value(self, value: Any) -> tuple[Part, ...] | Arrangement:
        """Return what an argument that must be an activation is made of."""
        if not isinstance(value, Value):
            raise UnsupportedOperatorError(f"expected an activation, found {_kind(value)}")
        if value.name not in self._values:
            raise PoisonedInputError
        return self._values[value.name]

    def parts(self, value: Any) -> tuple[Part, ...]:
        """Return the parts of an activation (1, channels, height, width), or (1, channels), which has one pixel."""
        found = self.value(value)
        if isinstance(found, Arrangement):
            raise UnsupportedOperatorError(
                f"reads values that were reshaped to {self._shape_text(value)}, which only reshapes, transpositions, "
                f"slices and linear layers can do"
            )
        return found

    def readable(self, value: Any, groups: int = 1) -> tuple[Part, ...]:
        """Return parts that a convolution can read: whole tensors, the image too, padded by zeros or not at all.

        With several groups it is one part, for a group may read channels of two.
        """
        parts = self.copies.whole_parts(self.parts(value), value)
        return parts if groups == 1 or len(parts) == 1 else (self.whole(self.tensor(value)),)

    def whole_tensors(self, value: Any) -> tuple[str, ...]:
        """Return the tensors that are the value, one behind the other; not the image, nothing padded."""
        return tuple(self.copies.unpadded(part, value) for part in self.readable(value))

    def tensor(self, value: Any) -> str:
        """Return the one tensor that is the value; parts are brought together."""
        return self.copies.whole_tensor(self.parts(value), value)

    def sources(self, value: Any) -> tuple[Source, ...]:
        """Return the value's tensors with the operators that may be changed."""
        changeable = self._uses[value.name] == 1
        result = []
        first = 0
        for tensor in self.whole_tensors(value):
            channels = self.tensors[tensor].channels
            made_by, places = self._behind.get(tensor, (tensor, np.arange(channels)))
            operator = self.operators.get(made_by) if changeable else None
            result.append(Source(tensor, first, channels, operator, first + places))
            first += channels
        return tuple(result)

    def tensor_of_size(self, height: str, width: str) -> str:
        """Return a tensor that has this height and width in every image."""
        for equal in (str.__eq__, same):  # sizes may be written in several ways: the costly comparison comes last
            for name, found in self._values.items():
                _, own_height, own_width = self.section.shapes.get(name, (0, "", ""))
                if isinstance(found, Arrangement) or not own_height:
                    continue
                if equal(own_height, height) and equal(own_width, width):
                    for part in found:
                        if part.padding == NO_PADDING:
                            return part.tensor
        raise UnsupportedOperatorError(f"its size ({height}, {width}) is not the size of another tensor")

    # Defining values

    def alias(self, node: Node, source: Any) -> None:
        """Let the node's result be its input."""
        self.define(node, self.value(source), [source])

    def define(self, node: Node, value: Iterable[Part] | Arrangement, made_of: Iterable[Value] = ()) -> None:
        """Let the node's result be these parts of its inputs ``made_of``, or an arrangement of them.

        An input that others read, too, keeps its operator from being changed by readers of the result.
        """
        self._values[node.name] = value if isinstance(value, Arrangement) else tuple(value)
        self._uses[node.name] += sum(self._uses[source.name] - 1 for source in made_of)

    def define_several(self, node: Node, values: Sequence[tuple[Part, ...] | Arrangement], made_of: Value) -> None:
        """Let the node have several results, which `result` picks."""
        self.define(node, values[0], [made_of])
        self._results[node.name] = values

    def result(self, source: Value, index: int) -> tuple[Part, ...] | Arrangement:
        """Return one of the results of an operator that has several."""
        first = self.value(source)
        results = self._results.get(source.name, (first,))
        if not -len(results) <= index < len(results):
            raise UnsupportedOperatorError(f"takes result {index}; the first is supported")
        return results[index]

    def write(self, node: Node, operator: FloatOperator) -> None:
        """Let the node's result be the operator's output."""
        self.define(node, (self.append(operator),))

    def attach(self, output: str, convolution: str, places: NDArray[np.int64]) -> None:
        """Remember that changing a convolution changes a tensor behind it, which only copies its values.

        The convolution's channel j becomes the tensor's channel ``places[j]``.
        """
        self._behind[output] = (convolution, places)

    def map_tensors(self, node: Node, kind: str, value: Any, make: Callable[[str, str], FloatOperator]) -> None:
        """Let the node's result be an operator on each of the value's tensors, made from (output, input)."""
        parts = []
        for tensor in self.whole_tensors(value):
            output = self.new_tensor(node, kind, self.tensors[tensor].channels)
            parts.append(self.append(make(output, tensor)))
        self.define(node, parts)

    def output(self) -> str:
        """Return the tensor with the section's result, written by this section (copied if it is an input)."""
        tensor = self.tensor(Value(self.section.output))
        if tensor in self.operators:
            return tensor
        output = self.new_output(self.tensors[tensor].channels)
        return self.append(FloatAdd(output, (tensor,), (1.0,))).tensor

    def before_labels(self, logits: str) -> str:
        """Return what a last resampling to the image's size reads: the runtime resamples logits when labels are read.

        Its answer is the same, but for rounding, and the logits of many classes are never made at the image's size.
        """
        operator = self.operators.get(logits)
        at_image_size = self.section.shapes[self.section.output][1:] == ("height", "width")
        if isinstance(operator, FloatResize) and operator.mode == "bilinear" and not operator.align_corners:
            return operator.input if at_image_size and operator.input in self.operators else logits
        return logits

    def _shape_text(self, value: Value) -> str:
        return f"({', '.join(self.section.dimensions[value.name])})"


def _values_in(argument: Any) -> Iterator[Value]:
    if isinstance(argument, Value):
        yield argument
    elif isinstance(argument, (tuple, dict)):
        for entry in argument.values() if isinstance(argument, dict) else argument:
            yield from _values_in(entry)


def _kind(value: Any) -> str:
    return "a parameter" if isinstance(value, Parameter) else repr(value)
