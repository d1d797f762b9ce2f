"""What is copied because its reader needs whole tensors: channels brought together, zeros around, crops."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from itrt.converter.captured import Value
from itrt.converter.float_graph import FloatTensor
from itrt.converter.float_operators import FloatConstant, FloatConvolution, FloatGather, FloatPad, FloatTerm
from itrt.converter.section_graph import IMAGE, SectionGraph
from itrt.converter.values import Part


class Copies:
    """The copies of a section, each made once and named after the value that it was first made for."""

    def __init__(self, graph: SectionGraph) -> None:
        self._graph = graph
        self._made: dict[tuple[Part, ...], str] = {}

    def whole_parts(self, parts: Iterable[Part], value: Value) -> tuple[Part, ...]:
        """Return parts that a convolution can read: whole tensors, the image too, padded by zeros or not at all."""
        result: list[Part] = []
        fragments: list[Part] = []
        for part in parts:
            if any(amount < 0 for amount in part.padding):
                part = Part(self.padded(part, value), part.channels)
            if part.is_whole(self._graph.tensors):
                result.extend(self._brought_together(fragments, value))
                fragments = []
                result.append(part)
            else:
                fragments.append(part)
        return (*result, *self._brought_together(fragments, value))

    def whole_tensor(self, parts: Sequence[Part], value: Value) -> str:
        """Return the one tensor that the parts are, brought together; not the image, nothing padded."""
        if len(parts) > 1 or not parts[0].is_whole(self._graph.tensors):
            return self._gathered(parts, value)
        return self.unpadded(parts[0], value)

    def unpadded(self, part: Part, value: Value) -> str:
        """Return a tensor that has a part's padding in it and is not the image."""
        tensor = self.padded(part, value) if any(part.padding) else part.tensor
        return self._normalized_image() if tensor == IMAGE else tensor

    def padded(self, part: Part, value: Value) -> str:
        """Return the whole tensor of a part, padded or cropped as the part says."""
        whole = self._graph.whole(part.tensor)
        key = (replace(whole, padding=part.padding),)
        if key not in self._made:
            source = self._normalized_image() if part.tensor == IMAGE else part.tensor
            output = self._graph.new_copy(value, "pad", len(whole.channels))
            self._made[key] = self._graph.append(FloatPad(output, source, part.padding)).tensor
        return self._made[key]

    def _brought_together(self, fragments: list[Part], value: Value) -> list[Part]:
        return [self._graph.whole(self._gathered(fragments, value))] if fragments else []

    def _gathered(self, parts: Sequence[Part], value: Value) -> str:
        """Copy parts into one tensor."""
        key = tuple(parts)
        if key not in self._made:
            tensors = [self.unpadded(part, value) for part in parts]
            inputs = tuple(dict.fromkeys(tensors))
            channels = tuple(
                (inputs.index(tensor), channel)
                for part, tensor in zip(parts, tensors, strict=True)
                for channel in part.channels
            )
            output = self._graph.new_copy(value, "gather", len(channels))
            self._made[key] = self._graph.append(FloatGather(output, inputs, channels)).tensor
        return self._made[key]

    def _normalized_image(self) -> str:
        name = f"{self._graph.section.name}.normalized_image"
        if name not in self._graph.tensors:
            channels = self._graph.tensors[IMAGE].channels
            ones = FloatConstant((np.ones(channels),))
            term = FloatTerm(IMAGE, FloatConstant((np.ones((channels, 1, 1, 1)),)), groups=channels)
            self._graph.tensors[name] = FloatTensor(name, channels)
            self._graph.append(FloatConvolution(name, (term,), ones, FloatConstant((np.zeros(channels),))))
        return name
