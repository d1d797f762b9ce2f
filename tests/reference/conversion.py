"""Conversion for tests: a network's float graph and its program, measured with the oracle in the runtime's place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F  # noqa: N812

from itrt import load
from itrt.converter import FakeQuantizedNetwork, convert, prepare
from itrt.converter.float_executor import FloatExecutor
from itrt.converter.float_graph import FloatGraph
from itrt.format import Program, to_bytes
from reference.executor import Execution, execute
from reference.networks import MEAN, STD, normalized, random_image

U8 = NDArray[np.uint8]
Taps = dict[tuple[str, int | None], U8]


@dataclass(frozen=True)
class Converted:
    """A network in four forms, and the images that it was calibrated with."""

    network: nn.Module
    graph: FloatGraph
    prepared: FakeQuantizedNetwork
    program: Program
    images: Sequence[U8]
    _executions: dict[int, Execution] = field(default_factory=dict)

    def oracle(self, image: U8) -> Execution:
        """Return what the oracle computes of an image; it is computed once."""
        key = id(image)
        if key not in self._executions:
            self._executions[key] = execute(self.program, image, 1)
        return self._executions[key]

    def graph_error(self, image: U8) -> float:
        """Largest difference of the float graph's logits from the network's, relative to the largest logit."""
        expected = _answer(self.network, image)
        (logits,) = FloatExecutor(self.graph).run(image, 1)
        return float((_at_size_of(expected, logits) - expected).abs().max() / expected.abs().max())

    def snr(self, image: U8) -> float:
        """Signal-to-noise ratio of the oracle's logits against the network's, in dB."""
        expected = _answer(self.network, image)
        tensor = self.program.tensors[self.program.logits]
        stored = torch.from_numpy(self.oracle(image).logits[0].astype(np.float32))
        logits = ((stored - tensor.zero_points[0]) * tensor.scale).permute(2, 0, 1)[None]
        noise = (_at_size_of(expected, logits) - expected).square().sum()
        return float(10 * torch.log10(expected.square().sum() / noise.clamp(min=1e-30)))

    def runtime_differences(self, image: U8) -> list[str]:
        """Return the tensors in which the compiled runtime and the oracle differ in any byte."""
        found = load(to_bytes(self.program)).taps(image, iterations=1)
        return _differences(self.oracle(image), found)

    def fake_quantized_differences(self, image: U8) -> list[str]:
        """Return the tensors in which the fake-quantized network and the oracle differ in any byte."""
        return _differences(self.oracle(image), stored_tensors(self.prepared, image, 1))


def converted(network: nn.Module, sizes: Sequence[tuple[int, int]] = ((40, 56), (37, 51))) -> Converted:
    """Convert a network without a loop; it is calibrated with random images of these sizes.

    It is captured once, prepared for training: tests of `prepare` show that the file is the network's own.
    """
    network = network.eval()
    images = [random_image(*size, seed=seed) for seed, size in enumerate(sizes)]
    prepared = prepare(network, calibration=images, mean=MEAN, std=STD, observer="minmax")
    graph = prepared.float_graph()
    with TemporaryDirectory() as directory:
        conversion = convert(prepared, Path(directory) / "network.itrt")
    return Converted(network, graph, prepared, conversion.program, images)


def stored_tensors(network: FakeQuantizedNetwork, image: U8, iterations: int) -> Taps:
    """Return every tensor that a fake-quantized network computes in float64, u8 (height, width, channels)."""
    zero_points = {tensor.name: tensor.zero_points[0] for tensor in network.quantized().tensors}
    found: Taps = {}

    def visit(name: str, step: int | None, centred: torch.Tensor) -> None:
        stored = centred.detach()[0].permute(1, 2, 0).numpy() + zero_points[name]
        found[name, step] = stored.astype(np.uint8)
        assert np.array_equal(found[name, step], stored), f"{name}: a value that is no stored one"

    network.run(normalized(image).double(), iterations, visit)
    return found


def _differences(expected: Execution, found: Taps) -> list[str]:
    """Return the tensors in which any byte differs."""
    return [name for (name, step), value in expected.tensors.items() if not np.array_equal(found[name, step], value)]


def _answer(network: nn.Module, image: U8) -> torch.Tensor:
    """Return the network's first result, (1, channels, height, width)."""
    with torch.no_grad():
        result = network(normalized(image))
    while not isinstance(result, torch.Tensor):
        result = next(iter(result.values() if isinstance(result, dict) else result))
    return result[:, :, None, None] if result.ndim == 2 else result


def _at_size_of(expected: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
    """Resample logits as the network does: the converter leaves a last resampling to the labels."""
    if logits.shape == expected.shape:
        return logits
    return F.interpolate(logits, size=expected.shape[2:], mode="bilinear", align_corners=False)
