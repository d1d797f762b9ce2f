"""Does ONNX Runtime answer what itrt answers: measured, on images."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from itrt._core import detected_isas
from itrt.errors import InvalidArgumentError, MissingDependencyError
from itrt.export.sharing import with_copied_weights
from itrt.export.unrolled import IMAGE, LABELS, LOGITS
from itrt.images import Image, read_image
from itrt.runtime import Model


@dataclass(frozen=True)
class Agreement:
    """Over ``images`` images: the shares (0 .. 1) of ``pixels`` labels and of stored logits that are equal.

    ``largest_difference`` of a logit, in its quantization's steps. What the exported model does not answer is None.
    """

    images: int
    pixels: int
    equal_labels: float | None
    equal_logits: float | None
    largest_difference: int | None


def measure_agreement(
    model: Model,
    exported: bytes,
    images: Iterable[Image],
    iterations: int | None = None,
    done: Callable[[], None] = lambda: None,
) -> Agreement:
    """Run both on images and compare.

    Parameters
    ----------
    exported
        What `to_onnx` made of this model.
    images
        Arrays (height, width, 3) u8 RGB, paths or PIL images; of the size that the exported model has, if it has one.
    iterations
        Of the exported model. Default: as trained.
    done
        Called after every image.

    Raises
    ------
    InvalidArgumentError
        For no images, or an image of another size than the exported model's.
    MissingDependencyError
        If ONNX Runtime is not installed.
    """
    session = open_session(exported, model.threads)
    names = [output.name for output in session.get_outputs()]
    scale, _ = model.logits_quantization
    tally = {LABELS: _Tally(), LOGITS: _Tally()}
    count = pixels = 0
    for image in images:
        array = read_image(image)
        _check_size(array, session.get_inputs()[0].shape)
        result = model.run(array, iterations)
        expected = {LABELS: result.labels, LOGITS: result.logits()}
        for name, found in zip(names, session.run(names, {IMAGE: array}), strict=True):
            step = scale if name == LOGITS else 1
            tally[name].add(np.rint((found.astype(np.float64) - expected[name]) / step))
        count += 1
        pixels += array.shape[0] * array.shape[1]
        done()
    if count == 0:
        raise InvalidArgumentError("images: expected at least one, found none")
    logits = tally[LOGITS]
    return Agreement(count, pixels, tally[LABELS].share, logits.share, None if logits.share is None else logits.largest)


def open_session(exported: bytes, threads: int = 1) -> Any:
    """ONNX Runtime's session for a model, on the CPU.

    Its fast kernels for x86 without VNNI add pairs of products with saturation, and lose what 8-bit weights need. There
    it takes its exact ones.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingDependencyError(
            "ONNX Runtime: expected for comparing, found none; pip install 'itrt[onnx]'"
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    if kernels_saturate():
        exported = with_copied_weights(exported)
        options.add_session_config_entry("session.x64quantprecision", "1")
    return onnxruntime.InferenceSession(exported, options, providers=["CPUExecutionProvider"])


def kernels_saturate() -> bool:
    """Whether this CPU is such an x86."""
    isas = detected_isas()
    return "avx2" in isas and not {"avx_vnni", "avx512_vnni"} & set(isas)


class _Tally:
    """How many differences are none."""

    def __init__(self) -> None:
        self.values = self.equal = self.largest = 0

    def add(self, differences: NDArray[np.float64]) -> None:
        self.values += differences.size
        self.equal += int(np.count_nonzero(differences == 0))
        self.largest = max(self.largest, int(np.abs(differences).max(initial=0)))

    @property
    def share(self) -> float | None:
        return self.equal / self.values if self.values else None


def _check_size(image: NDArray[np.uint8], shape: list[Any]) -> None:
    """Raise where the exported model's size is another one; an open one has names, not numbers."""
    height, width = shape[:2]
    if isinstance(height, int) and (height, width) != image.shape[:2]:
        raise InvalidArgumentError(
            f"image: expected {height}x{width}, the exported model's size, found {image.shape[0]}x{image.shape[1]}"
        )
