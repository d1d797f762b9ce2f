"""The parity report: the runtime's own tensors and labels against the float network's."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from itrt.converter.float_executor import FloatExecutor
from itrt.converter.float_operators import FloatOperator
from itrt.converter.requantization_loss import RequantizationLoss
from itrt.format import Program, Tensor
from itrt.metrics import ConfusionMatrix

TensorKey = tuple[str, int | None]


@dataclass(frozen=True)
class TensorParity:
    """Signal-to-noise ratio, in dB, of a tensor in int8 against float; the step is None in the stem."""

    tensor: str
    step: int | None
    snr_db: float


@dataclass(frozen=True)
class IterationParity:
    """The labels after ``iteration`` iterations (from 1): share equal to the float network's, and mean IoUs 0..1."""

    iteration: int
    equal_labels: float
    float_miou: float | None
    int8_miou: float | None


@dataclass(frozen=True)
class VariantParity:
    """A way to quantize that was tried: the logits' signal-to-noise ratio in dB, the mean over iterations."""

    equalized: bool
    bias_corrected: bool
    snr_db: float
    chosen: bool


@dataclass(frozen=True)
class ParityReport:
    """How close the converted model is to the float network, over ``images`` images.

    ``variants`` are the ways to quantize that were compared, on the same images; empty where there was one alone.
    ``requantization`` says what integer requantization has cost; None with float scales.
    """

    images: int
    tensors: tuple[TensorParity, ...]
    iterations: tuple[IterationParity, ...]
    notes: tuple[str, ...]
    variants: tuple[VariantParity, ...] = ()
    requantization: RequantizationLoss | None = None


@dataclass
class SignalAndNoise:
    """Sums of squares: of what float computes, and of how far int8 is from it."""

    signal: float = 0.0
    noise: float = 0.0

    def add(self, expected: NDArray[np.float32], found: NDArray[np.float32]) -> None:
        """Count values of one shape."""
        self.signal += float(np.square(expected, dtype=np.float64).sum())
        self.noise += float(np.square(expected - found, dtype=np.float64).sum())

    def decibel(self) -> float:
        """Return the ratio, infinite where there is no noise."""
        if self.noise == 0.0:
            return math.inf
        return 10.0 * math.log10(self.signal / self.noise) if self.signal > 0.0 else -math.inf


def dequantized(stored: NDArray[np.uint8], tensor: Tensor) -> NDArray[np.float32]:
    """Return the real values of stored ones."""
    return (stored.astype(np.float32) - tensor.zero_points[0]) * np.float32(tensor.scale)


class RunnableModel(Protocol):
    """What reports ask of the runtime's model."""

    def taps(
        self, image: NDArray[np.uint8], iterations: int, names: Sequence[str] | None = None
    ) -> dict[TensorKey, NDArray[np.uint8]]:
        """Return u8 (height, width, channels) tensors of one run by (name, step): all, or those that are named."""

    def run(self, image: NDArray[np.uint8], *, iterations: int) -> Any:
        """Return a result with ``labels``, integers (height, width)."""


class ParityMeter:
    """Accumulates the report image by image."""

    def __init__(self, model: RunnableModel, executor: FloatExecutor, program: Program, iterations: int) -> None:
        self._model = model
        self._executor = executor
        self._iterations = iterations
        self._tensors: dict[str, Tensor] = {tensor.name: tensor for tensor in program.tensors}
        self._powers: defaultdict[TensorKey, SignalAndNoise] = defaultdict(SignalAndNoise)
        self._images = 0
        self._pixels = 0
        self._equal = np.zeros(iterations, np.int64)
        classes = len(program.classes)
        # By iteration; the label behind the last class counts as none.
        self._float_confusion = [ConfusionMatrix(classes, classes) for _ in range(iterations)]
        self._int8_confusion = [ConfusionMatrix(classes, classes) for _ in range(iterations)]

    def measure(self, image: NDArray[np.uint8], labels: NDArray[np.generic] | None) -> None:
        """Compare one u8 (height, width, 3) image; labels outside the classes are ignored."""
        taps = self._model.taps(image, self._iterations)

        def compare(operator: FloatOperator, step: int | None, tensors: Mapping[str, torch.Tensor]) -> None:
            values = tensors[operator.output]
            self._add_powers((operator.output, step), values[0].permute(1, 2, 0).numpy(), taps)

        logits = self._executor.run(image, self._iterations, compare)
        self._images += 1
        self._pixels += image.shape[0] * image.shape[1]
        for index, values in enumerate(logits):
            float_labels = labels_of(values, image.shape[:2])
            int8_labels = np.asarray(self._model.run(image, iterations=index + 1).labels)
            self._equal[index] += np.count_nonzero(float_labels == int8_labels)
            if labels is not None:
                truth = _only_classes(labels, self._float_confusion[index].classes)
                self._float_confusion[index].update(float_labels, truth)
                self._int8_confusion[index].update(int8_labels, truth)

    def _add_powers(
        self, key: TensorKey, expected: NDArray[np.float32], taps: dict[TensorKey, NDArray[np.uint8]]
    ) -> None:
        self._powers[key].add(expected, dequantized(taps[key], self._tensors[key[0]]))

    def report(self, notes: Sequence[str] = (), variants: Sequence[VariantParity] = ()) -> ParityReport:
        """Return the report over all images so far."""
        return ParityReport(
            images=self._images,
            tensors=tuple(TensorParity(*key, powers.decibel()) for key, powers in self._powers.items()),
            iterations=tuple(
                IterationParity(
                    iteration=index + 1,
                    equal_labels=float(self._equal[index] / max(self._pixels, 1)),
                    float_miou=_mean_iou(self._float_confusion[index]),
                    int8_miou=_mean_iou(self._int8_confusion[index]),
                )
                for index in range(self._iterations)
            ),
            notes=tuple(notes),
            variants=tuple(variants),
        )


def measure_parity(
    meter: ParityMeter,
    samples: Sequence[tuple[NDArray[np.uint8], NDArray[np.generic] | None]],
    notes: Sequence[str],
    variants: Sequence[VariantParity],
    progress: Callable[[int], None],
) -> ParityReport:
    """Run the meter over (image, labels or None) and return its report."""
    for index, (image, labels) in enumerate(samples):
        meter.measure(image, labels)
        progress(index + 1)
    return meter.report(notes, variants)


def labels_of(logits: torch.Tensor, size: tuple[int, ...]) -> NDArray[np.int64]:
    """Return the classes, (height, width) of ``size``, that logits (1, classes, h, w) have once they are resampled."""
    resampled = F.interpolate(logits, size=tuple(size), mode="bilinear", align_corners=False)
    labels: NDArray[np.int64] = resampled[0].argmax(dim=0).numpy()
    return labels


def _only_classes(labels: NDArray[np.generic], classes: int) -> NDArray[np.int64]:
    """Return labels in which everything that is no class has the number behind the last class."""
    values = np.asarray(labels).astype(np.int64)
    return np.where((values >= 0) & (values < classes), values, classes)


def _mean_iou(confusion: ConfusionMatrix) -> float | None:
    return confusion.mean_iou() if confusion.counts.any() else None
