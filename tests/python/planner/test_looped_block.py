"""The block for which docs/planner.md compares a loop with an unrolled graph."""

from __future__ import annotations

import numpy as np
import pytest

from itrt import planner
from itrt.format import Add, Constant, Convolution, Preprocessing, Program, Tensor, Term
from itrt.format.container import to_bytes
from itrt.planner.report.facts import facts
from reference.schedules import check

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


def test_convolutions_write_over_their_inputs() -> None:
    """The block needs the state, one tensor, and the rows that a convolution lags behind its input; not three."""
    found = planner.plan(looped_block(), "ethos-u65-512", height=32, width=32, sram=250 * 1024)
    check(found)
    (buffer,) = (each for each in found.footprint.buffers if each.kind == "tensor" and "second" in each.name)
    assert [found.work.tensors[tensor.index].name for tensor in buffer.tensors] == ["first", "second", "third"]
    row = 32 * CHANNELS
    assert [tensor.start for tensor in buffer.tensors] == [4 * row, 2 * row, 0]
    assert buffer.size == (32 + 4) * row
    (around,) = (each for each in found.footprint.buffers if each.kind == "tensor" and "state" in each.name)
    assert "image" in around.name
    assert around.size == 32 * row + 32 * 3  # the stem writes it over all but the image's last row
    logits = found.work.tensors[found.work.logits].bytes
    weights = sum(each.size for each in found.footprint.buffers if each.kind == "weights")
    assert found.arena_bytes <= weights + around.size + buffer.size + logits
    assert dict(facts(found))["written over its input"].startswith("stem (61.1 KiB behind), second (4.0 KiB behind)")
