"""The block for which docs/planner.md compares a loop with an unrolled graph."""

from __future__ import annotations

import numpy as np
import pytest

from itrt import planner
from itrt.format import Add, Constant, Convolution, Preprocessing, Program, Tensor, Term
from itrt.format.container import to_bytes

CHANNELS = 64


def convolution(name: str, output: int, source: int, kernel: int, channels: tuple[int, int]) -> Convolution:
    weight = np.zeros((channels[1], kernel, kernel, channels[0]), np.int8)
    term = Term(source, Constant((weight,)), padding=(kernel // 2,) * 4)
    bias = Constant((np.zeros(channels[1], np.int32),))
    return Convolution(name, output, (term,), bias, Constant((np.ones(channels[1], np.float32),)))


def looped_block() -> bytes:
    """A 1x1 stem, three 3x3 convolutions with a residual as the block, a 1x1 head."""
    names = ("image", "state", "first", "second", "third", "next", "logits")
    channels = (3, *(CHANNELS,) * 5, 2)
    body = [convolution(names[i + 2], i + 2, i + 1, 3, (CHANNELS, CHANNELS)) for i in range(3)]
    return to_bytes(
        Program(
            name="looped",
            iterations=8,
            max_iterations=None,
            tensors=tuple(
                Tensor(name, count, 1.0, (0,) * (3 if name == "image" else 1))
                for name, count in zip(names, channels, strict=True)
            ),
            image=0,
            state=1,
            next_state=5,
            logits=6,
            stem=(convolution("stem", 1, 0, 1, (3, CHANNELS)),),
            block=(*body, Add("residual", 5, (4, 1), (1, 1), 1)),
            head=(convolution("head", 6, 1, 1, (CHANNELS, 2)),),
            classes=("a", "b"),
            palette=((0, 0, 0), (255, 255, 255)),
            preprocessing=Preprocessing((0.5,) * 3, (0.5,) * 3),
        )
    )


@pytest.mark.parametrize("iterations", [1, 2, 4, 8])
def test_weights_are_read_once_whatever_the_iterations(iterations: int) -> None:
    found = planner.plan(looped_block(), "ethos-u65-512", height=32, width=32, iterations=iterations)
    work = found.work
    constants = sum(layer.constant_bytes for layer in work.layers)
    weights = 3 * 9 * CHANNELS * CHANNELS
    assert weights < constants < weights * 1.05
    assert found.far_bytes == constants
    assert found.arena_bytes <= 261 * 1024 + constants
    assert not found.schedule.spilled
