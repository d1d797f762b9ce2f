"""LiteRT with XNNPACK, its default delegate: labels from the quantized int8 image, all of it in the graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray


def open_runner(model: str, image: str, threads: int) -> Callable[[], NDArray[Any]]:
    """Load, and quantize the normalized image with the model's own scale: that is not timed."""
    interpreter: Any = Interpreter(model_path=model, num_threads=threads)
    interpreter.allocate_tensors()
    source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    scale, zero_point = source["quantization"]
    quantized = np.clip(np.rint(np.load(image) / scale + zero_point), -128, 127).astype(np.int8)

    def run() -> NDArray[Any]:
        interpreter.set_tensor(source["index"], quantized)
        interpreter.invoke()
        labels: NDArray[Any] = interpreter.get_tensor(target["index"])[0]
        return labels

    return run
