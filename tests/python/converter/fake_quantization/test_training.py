"""A training with int8's roundings lowers the loss, and its result converts as it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from itrt import load
from itrt.converter import FakeQuantizedNetwork, convert
from itrt.quantize import prepare
from itrt.train import SegmentationData, synthetic_data
from itrt.train.losses import joint_loss
from itrt.train.validation import normalize
from reference.networks import MEAN, STD, tiny_network

FINER = 2.0**-4
"""The network is calibrated sixteen times too coarse: values have four bits in place of eight."""


@pytest.fixture(scope="module")
def data() -> SegmentationData:
    return synthetic_data(train=2, validation=1, height=32, width=48)


@pytest.fixture
def coarse(data: SegmentationData) -> FakeQuantizedNetwork:
    torch.manual_seed(0)
    network = tiny_network(2, norms=2)
    network.last = torch.nn.Conv2d(6, 11, 1)
    prepared = prepare(network, calibration=data.train.images, mean=MEAN, std=STD)
    with torch.no_grad():
        prepared.scales.calibrated.div_(FINER)
    return prepared


def test_training_a_coarse_network_and_converting_it(
    coarse: FakeQuantizedNetwork, data: SegmentationData, tmp_path: Path
) -> None:
    images = normalize(torch.from_numpy(np.stack(list(data.train.images))), MEAN, STD)
    labels = torch.from_numpy(np.stack(list(data.train.labels))).long()
    optimizer = torch.optim.Adam(coarse.parameters(), lr=0.02)
    losses = []
    for _ in range(25):
        loss = joint_loss(coarse(images), labels, (0.5, 1.0), ignore_index=data.ignore_index)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert min(losses[-5:]) < 0.8 * losses[0]
    assert float(coarse.scales.log2_ratio.detach().min()) < 0.0  # scales became finer, too

    conversion = convert(coarse, tmp_path / "a.itrt", classes=data.class_names)
    assert conversion.parity is None
    model = load(conversion.path)
    for image in data.validation.images:
        normalized = normalize(torch.from_numpy(image)[None], MEAN, STD)
        for index, values in enumerate(coarse(normalized.double())):
            assert np.array_equal(values[0].detach().float().numpy(), model.run(image, iterations=index + 1).logits())
    again = convert(coarse, tmp_path / "b.itrt", classes=data.class_names, name="a").path
    assert again.read_bytes() == conversion.path.read_bytes()
