"""ONNX Runtime: labels from the normalized float image, all of it in the graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray


def open_runner(model: str, image: str, threads: int, trip_count: int | None = None) -> Callable[[], NDArray[Any]]:
    """Load; `trip_count` is the second input of a graph with a Loop."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session: Any = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    inputs = {"image": np.load(image)}
    if trip_count is not None:
        inputs["iterations"] = np.array(trip_count, np.int64)

    def run() -> NDArray[Any]:
        labels: NDArray[Any] = session.run(None, inputs)[0][0]
        return labels

    return run
