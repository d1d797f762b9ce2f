"""Conversion for tests: a network's float graph and its program, measured with the oracle in the runtime's place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from itrt.converter import convert
from itrt.converter.convert import float_graph
from itrt.converter.float_executor import FloatExecutor
from itrt.converter.float_graph import FloatGraph
from itrt.format import Program
from reference.executor import execute
from reference.networks import MEAN, STD, normalized, random_image

U8 = NDArray[np.uint8]


@dataclass(frozen=True)
class Converted:
    """A network in three forms, and the images that it was calibrated with."""

    network: nn.Module
    graph: FloatGraph
    program: Program
    images: Sequence[U8]

    def graph_error(self, image: U8) -> float:
        """Largest difference of the float graph's logits from the network's, relative to the largest logit."""
        expected = _answer(self.network, image)
        (found,) = FloatExecutor(self.graph).run(image, 1)
        assert found.shape == expected.shape
        return float((found - expected).abs().max() / expected.abs().max())

    def snr(self, image: U8) -> float:
        """Signal-to-noise ratio of the oracle's logits against the network's, in dB."""
        expected = _answer(self.network, image)[0].permute(1, 2, 0).double().numpy()
        logits = self.program.tensors[self.program.logits]
        found = (execute(self.program, image, 1).logits[0].astype(np.float64) - logits.zero_points[0]) * logits.scale
        assert found.shape == expected.shape
        return float(10 * np.log10(np.square(expected).sum() / max(np.square(found - expected).sum(), 1e-30)))


def converted(network: nn.Module, sizes: Sequence[tuple[int, int]] = ((40, 56), (37, 51))) -> Converted:
    """Convert a network without a loop; it is calibrated with random images of these sizes."""
    network = network.eval()
    images = [random_image(*size, seed=seed) for seed, size in enumerate(sizes)]
    graph = float_graph(network, MEAN, STD)
    channels = graph.tensors[graph.logits].channels
    with TemporaryDirectory() as directory:
        conversion = convert(
            network,
            Path(directory) / "network.itrt",
            calibration=images,
            mean=MEAN,
            std=STD,
            classes=[f"class {index}" for index in range(channels)],
            observer="minmax",
            parity_images=0,
        )
    return Converted(network, graph, conversion.program, images)


def _answer(network: nn.Module, image: U8) -> torch.Tensor:
    """Return the network's first result, (1, channels, height, width)."""
    with torch.no_grad():
        result = network(normalized(image))
    while not isinstance(result, torch.Tensor):
        result = next(iter(result.values() if isinstance(result, dict) else result))
    return result[:, :, None, None] if result.ndim == 2 else result
