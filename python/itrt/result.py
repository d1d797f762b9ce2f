"""What a run answers."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from itrt.images import write_label_png

if TYPE_CHECKING:
    from itrt.runtime import Model


class Result:
    """A segmentation after some iteration. It keeps its low-resolution logits and computes labels when they are read.

    A result stays valid after its stream has moved on.
    """

    def __init__(self, model: Model, height: int, width: int, iterations: int, answer: Callable[[], NDArray[np.uint8]]):
        self._model = model
        self._size = (height, width)
        self._iterations = iterations
        self._answer: Callable[[], NDArray[np.uint8]] | None = answer
        self._quantized: NDArray[np.uint8] | None = None
        self._lock = threading.Lock()  # the stream and a reader in another thread may both ask for the answer
        self._labels: NDArray[Any] | None = None

    @property
    def iterations(self) -> int:
        """The number of iterations that were executed for this answer."""
        return self._iterations

    @property
    def quantized_logits(self) -> NDArray[np.uint8]:
        """The head's own output, (h, w, classes) u8, at the head's resolution."""
        with self._lock:
            if self._quantized is None:
                assert self._answer is not None
                self._quantized = self._answer()
                self._answer = None
            return self._quantized

    def logits(self) -> NDArray[np.float32]:
        """Logits at the head's resolution, (classes, h, w) float32."""
        scale, zero_point = self._model.logits_quantization
        centred = self.quantized_logits.transpose(2, 0, 1).astype(np.float32) - np.float32(zero_point)
        return np.ascontiguousarray(centred * np.float32(scale))

    @property
    def labels(self) -> NDArray[Any]:
        """The class of every pixel, (height, width) in the image's own size: uint8, above 256 classes uint16."""
        if self._labels is None:
            self._labels = self._model.labels_from_logits(self.quantized_logits, *self._size)
        return self._labels

    def colors(self) -> NDArray[np.uint8]:
        """The labels in the model's palette, (height, width, 3) u8 RGB."""
        colors: NDArray[np.uint8] = self._model.palette[self.labels]
        return colors

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the labels as a PNG with the model's palette. Needs Pillow (``pip install itrt[cli]``)."""
        write_label_png(self.labels, self._model.palette, path)

    def __repr__(self) -> str:
        height, width = self._size
        return f"Result(model={self._model.name!r}, height={height}, width={width}, iterations={self._iterations})"
