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
        self._coarse_labels: NDArray[Any] | None = None
        self._labels: NDArray[Any] | None = None
        self._stopped: str | None = None
        self._elapsed_ms = 0.0

    def finished(self, stopped: str | None, elapsed_ms: float) -> Result:
        """Note why the run ended here and how long it took; for the one that ran it."""
        self._stopped, self._elapsed_ms = stopped, elapsed_ms
        return self

    @property
    def iterations(self) -> int:
        """The number of iterations that were executed for this answer."""
        return self._iterations

    @property
    def stopped(self) -> str | None:
        """Why there were no more: "iterations" (all that were asked for), "deadline", "cancelled", "interrupted"
        (Ctrl-C), or the name of the rule that held ("stable", "entropy", a function's name).

        None for an answer of a stream that went on.
        """
        return self._stopped

    @property
    def elapsed_ms(self) -> float:
        """Milliseconds from the call until this answer was there, by a monotonic clock.

        With a deadline the labels were there, too. Of a stream: what its iterations took until then, without what its
        user did in between.
        """
        return self._elapsed_ms

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
    def coarse_labels(self) -> NDArray[Any]:
        """The class of every pixel at the head's resolution, (h, w); the lowest of equally good ones.

        Like `labels` where nothing is resampled, and cheaper.
        """
        if self._coarse_labels is None:
            self._coarse_labels = self.quantized_logits.argmax(axis=2)
        return self._coarse_labels

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
        return (
            f"Result(model={self._model.name!r}, height={height}, width={width}, iterations={self._iterations}, "
            f"stopped={self._stopped!r})"
        )
