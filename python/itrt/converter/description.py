"""What a file says beside its arithmetic, and the program of a way to quantize that says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from itrt.converter.factor_text import EQUALIZATION, factors_to_text
from itrt.converter.variants import Variant
from itrt.format import Preprocessing, Program
from itrt.quantize import Requantization


class DescribedProgram(NamedTuple):
    """A program, and remarks on how it was quantized."""

    program: Program
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Description:
    """A model's name, its classes with a color each, and anything else to store."""

    name: str
    classes: tuple[str, ...]
    palette: tuple[tuple[int, int, int], ...]
    metadata: Mapping[str, str]

    def program(self, variant: Variant, requantization: Requantization) -> DescribedProgram:
        """Quantize; raises ConversionError as `quantize_graph`."""
        graph, quantized = variant.graph, variant.quantized(requantization)
        program = Program(
            name=self.name,
            iterations=graph.iterations,
            max_iterations=graph.max_iterations,
            tensors=quantized.tensors,
            image=quantized.index(graph.image),
            state=None if graph.state is None else quantized.index(graph.state),
            next_state=None if graph.next_state is None else quantized.index(graph.next_state),
            logits=quantized.index(graph.logits),
            stem=quantized.stem,
            block=quantized.block,
            head=quantized.head,
            preprocessing=Preprocessing(graph.mean, graph.std),
            classes=self.classes,
            palette=self.palette,
            metadata=self._metadata(variant, requantization),
        )
        return DescribedProgram(program, quantized.notes)

    def _metadata(self, variant: Variant, requantization: Requantization) -> dict[str, str]:
        found = dict(self.metadata)
        if requantization != "float":
            found["requantization"] = requantization
        if variant.equalized:
            found[EQUALIZATION] = factors_to_text(variant.factors)
        if variant.bias_corrected:
            found["bias"] = "corrected"
        return found
