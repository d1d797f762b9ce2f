"""PyTorch in float32: labels from the normalized image, channels last in memory as oneDNN likes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray


def open_runner(model: str, image: str, threads: int) -> Callable[[], NDArray[Any]]:
    """Load; convolutions and batch normalization are joined."""
    torch.set_num_threads(threads)
    network = torch.jit.optimize_for_inference(torch.jit.load(model))  # type: ignore[no-untyped-call]
    pixels = torch.from_numpy(np.load(image)).contiguous(memory_format=torch.channels_last)

    def run() -> NDArray[Any]:
        with torch.inference_mode():
            labels: NDArray[Any] = network(pixels)[0].numpy()
        return labels

    return run
