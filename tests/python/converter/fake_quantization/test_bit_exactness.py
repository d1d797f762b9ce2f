"""Fake-quantized loops and the runtime agree in every byte, whatever training makes of the parameters."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import torch

from itrt import load
from itrt.converter import FakeQuantizedNetwork, convert
from itrt.format import Convolution, FixedPoint
from itrt.quantize import Requantization
from reference.conversion import stored_tensors
from reference.networks import normalized, random_image

IMAGE = random_image(45, 61, seed=2)


def disturb(network: FakeQuantizedNetwork, seed: int) -> None:
    """Change every parameter as a training might; narrower scales clip."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.constants.parameters():
            parameter.mul_(torch.empty_like(parameter).uniform_(0.7, 1.3, generator=generator))
        network.scales.log2_ratio.uniform_(-0.7, 0.5, generator=generator)


def test_every_tensor_of_every_step_is_the_runtimes(prepared: FakeQuantizedNetwork, tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    for seed in range(3):
        disturb(prepared, seed)
        height, width = generator.integers(24, 64, 2).tolist()
        iterations = int(generator.integers(1, (prepared.max_iterations or 4) + 1))
        image = random_image(height, width, seed)
        model = load(convert(prepared, tmp_path / f"{seed}.itrt").path)
        found = stored_tensors(prepared, image, iterations)
        for key, expected in model.taps(image, iterations=iterations).items():
            assert key[0] == "image" or np.array_equal(found[key], expected), key
        logits = prepared(normalized(image).double(), iterations)
        assert len(logits) == iterations
        for index, values in enumerate(logits):
            expected_logits = model.run(image, iterations=index + 1).logits()
            assert np.array_equal(values[0].detach().float().numpy(), expected_logits)


@pytest.mark.parametrize("requantize", ["fixed", "pow2"])
def test_other_requantizations_are_the_runtimes(
    prepared: FakeQuantizedNetwork, requantize: Requantization, tmp_path: Path
) -> None:
    disturb(prepared, 5)
    with mock.patch.object(prepared, "requantization", requantize):
        converted = convert(prepared, tmp_path / "model.itrt")
        logits = prepared(normalized(IMAGE).double())
    scales = [each.scale for each in converted.program.block if isinstance(each, Convolution)]
    assert scales
    assert all(isinstance(scale, FixedPoint) for scale in scales)
    expected = load(converted.path).run(IMAGE).logits()
    assert np.array_equal(logits[-1][0].detach().float().numpy(), expected)


def test_float32_and_autocast_give_the_same(prepared: FakeQuantizedNetwork) -> None:
    """Sums of networks as narrow as these stay below 2^24."""
    image = normalized(IMAGE)
    expected = prepared(image.double())
    with torch.autocast("cpu", torch.bfloat16):
        found = prepared(image)
    assert [values.dtype for values in found] == [torch.float32] * len(expected)
    for values, exact in zip(found, expected, strict=True):
        assert torch.equal(values, exact.float())


def test_a_batch_is_its_images(prepared: FakeQuantizedNetwork) -> None:
    images = torch.cat([normalized(random_image(32, 48, seed)) for seed in range(2)])
    together = prepared(images)[-1]
    assert torch.equal(together, torch.cat([prepared(image[None])[-1] for image in images]))
