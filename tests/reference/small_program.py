"""A program of a few kilobytes with everything that a program can have; its random weights mean nothing."""

from __future__ import annotations

import numpy as np

from itrt.format import Add, Constant, Convolution, Preprocessing, Program, Resize, Tensor, Term

CLASSES = ("sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian", "bicyclist")

_IMAGE, _FEATURES, _STATE, _JOINED, _LOW, _UP, _NEXT, _LOGITS = range(8)


def small_program(max_iterations: int | None = 3, classes: tuple[str, ...] = CLASSES) -> Program:
    """Build it: a stem at 1/4, a block with an hourglass of one level, a head.

    Parameters
    ----------
    max_iterations
        With a number, biases and scales of the block differ from step to step; None: any number of iterations.
    classes
        Class names; colours follow from their indices.
    """
    random = np.random.default_rng(7)
    steps = max_iterations or 1

    def weight(outputs: int, kernel: int, inputs: int) -> Constant:
        return Constant((random.integers(-127, 128, (outputs, kernel, kernel, inputs), dtype=np.int8),))

    def vectors(outputs: int, count: int, taps: int) -> tuple[Constant, Constant]:
        spread = 0.02 / np.sqrt(taps)  # answers then spread over the u8 range
        biases = tuple(random.integers(-900, 900, outputs, dtype=np.int32) for _ in range(count))
        scales = tuple((random.uniform(0.5, 1.0, outputs) * spread).astype(np.float32) for _ in range(count))
        return Constant(biases), Constant(scales)

    padded = (1, 1, 1, 1)
    return Program(
        name="small",
        iterations=2,
        max_iterations=max_iterations,
        tensors=(
            Tensor("image", 3, 1.0, (105, 107, 110)),
            Tensor("features", 8, 0.02, (0,)),
            Tensor("state", 8, 0.04, (0,)),
            Tensor("joined", 8, 0.05, (0,)),
            Tensor("low", 12, 0.05, (100,)),
            Tensor("up", 12, 0.05, (100,)),
            Tensor("next", 8, 0.04, (0,)),
            Tensor("logits", len(classes), 0.1, (128,)),
        ),
        image=_IMAGE,
        state=_STATE,
        next_state=_NEXT,
        logits=_LOGITS,
        stem=(
            Convolution("stem", _FEATURES, (Term(_IMAGE, weight(8, 5, 3), (4, 4), (2, 2, 2, 2)),), *vectors(8, 1, 75)),
            Add("first", _STATE, (_FEATURES,), (1,), 1),
        ),
        block=(
            Convolution(
                "join",
                _JOINED,
                (Term(_STATE, weight(8, 3, 8), padding=padded), Term(_FEATURES, weight(8, 1, 8), loop_invariant=True)),
                *vectors(8, steps, 80),
            ),
            Convolution("down", _LOW, (Term(_JOINED, weight(12, 3, 8), (2, 2), padded),), *vectors(12, steps, 72)),
            Resize("rise", _UP, _LOW, _JOINED),
            Convolution(
                "mix",
                _NEXT,
                (
                    Term(_UP, weight(8, 1, 12)),
                    Term(_JOINED, weight(8, 3, 2), padding=(2, 2, 2, 2), dilation=(2, 2), groups=4),
                ),
                *vectors(8, steps, 30),
            ),
        ),
        head=(Convolution("head", _LOGITS, (Term(_STATE, weight(len(classes), 1, 8)),), *vectors(len(classes), 1, 8)),),
        preprocessing=Preprocessing((0.41, 0.42, 0.43), (0.3, 0.31, 0.32)),
        classes=classes,
        palette=tuple((40 * index % 256, 90 * index % 256, 255 - 20 * index % 256) for index in range(len(classes))),
        metadata={"licence": "none: random weights"},
    )
