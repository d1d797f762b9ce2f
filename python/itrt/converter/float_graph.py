"""The float graph: the program before quantization. Same structure, same names, float weights.

Lowering makes it, `float_executor` runs it in torch, `quantization` turns it into an `itrt.format.Program`.
"""

from __future__ import annotations

from dataclasses import dataclass

from itrt.converter.float_operators import FloatOperator


@dataclass(frozen=True)
class FloatTensor:
    """An activation; ``channels`` of them at some height and width."""

    name: str
    channels: int


@dataclass(frozen=True)
class FloatGraph:
    """A network as itrt executes it, in float.

    The tensor ``image`` holds pixel - 255 * mean (a channel each), 0 where it is padded; the division by 255 * std is
    in the weights that read it. ``state`` and ``next_state`` are None in a network without a loop, whose ``block``
    and ``head`` are empty. ``steps`` is how many iterations were captured; ``max_iterations`` as in the program.
    """

    tensors: dict[str, FloatTensor]
    image: str
    state: str | None
    next_state: str | None
    logits: str
    stem: tuple[FloatOperator, ...]
    block: tuple[FloatOperator, ...]
    head: tuple[FloatOperator, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    iterations: int
    max_iterations: int | None
    steps: int

    @property
    def operators(self) -> tuple[FloatOperator, ...]:
        """All operators, in execution order."""
        return (*self.stem, *self.block, *self.head)
