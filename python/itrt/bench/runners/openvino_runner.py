"""OpenVINO: resampled logits from the u8 image in the graph; the argmax in numpy, which is faster than the graph's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import openvino
from numpy.typing import NDArray


def open_runner(model: str, image: str, threads: int) -> Callable[[], NDArray[Any]]:
    """Load, for latency."""
    compiled = openvino.Core().compile_model(
        model, "CPU", {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads}
    )
    request = compiled.create_infer_request()
    # A tensor of its own: one that shares an array's memory does not keep the array.
    request.set_input_tensor(openvino.Tensor(np.load(image)[None]))

    def run() -> NDArray[Any]:
        request.infer()
        labels: NDArray[Any] = request.get_output_tensor().data[0].argmax(axis=0)
        return labels

    return run
