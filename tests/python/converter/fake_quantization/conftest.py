"""Prepared networks, captured once: torch.export takes seconds."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from torch import nn

from itrt.converter import FakeQuantizedNetwork, prepare
from reference.loops import GatedLoop, Refiner
from reference.networks import MEAN, STD, random_image, small_itnet, tiny_network

NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "hourglass": small_itnet,
    "weights of every iteration": lambda: small_itnet(block="context", share_weights=False, channels=(8, 8, 8)),
    "without an end": lambda: tiny_network(2),
    "gates, shuffles, tables of every iteration": GatedLoop,
    "one weight for all iterations beside others": Refiner,
}


@pytest.fixture(scope="session")
def prepared_once() -> Callable[[str], FakeQuantizedNetwork]:
    """A function that prepares one of `NETWORKS`; calibrated by minimum and maximum."""
    made: dict[str, FakeQuantizedNetwork] = {}

    def get(name: str) -> FakeQuantizedNetwork:
        if name not in made:
            torch.manual_seed(3)
            images = [random_image(48, 64, seed=1), random_image(45, 61, seed=2)]
            made[name] = prepare(NETWORKS[name](), calibration=images, mean=MEAN, std=STD, observer="minmax")
        return copy.deepcopy(made[name])

    return get


@pytest.fixture(params=NETWORKS)
def prepared(
    request: pytest.FixtureRequest, prepared_once: Callable[[str], FakeQuantizedNetwork]
) -> FakeQuantizedNetwork:
    """A network of its own for each test: training changes it."""
    return prepared_once(request.param)
