"""Networks with the structures of well-known ones, converted and run: close to float, and the runtime is the oracle."""

from __future__ import annotations

from collections import Counter

import pytest
import torch

from reference.architectures import ARCHITECTURES
from reference.conversion import converted
from reference.networks import randomize_norms

# Operators of the program, beside convolutions: what was expected to be folded away is not among them.
OPERATORS = {
    "ResNet": {"Convolution": 7, "Pool": 1, "Add": 2, "AdaptivePool": 1},
    "MobileNetV2": {"Convolution": 8, "Add": 1, "AdaptivePool": 1},
    "MobileNetV3": {"Convolution": 12, "Lookup": 7, "AdaptivePool": 3, "Multiply": 2, "Add": 1},
    "ShuffleNetV2": {"Convolution": 11, "Gather": 4, "AdaptivePool": 1},
    "SqueezeNet": {"Convolution": 5, "Pool": 1, "AdaptivePool": 1},
    "AlexNet": {"Convolution": 3, "Pool": 1, "AdaptivePool": 1},
    "U-Net, transposed": {"Convolution": 8, "Pool": 2, "DepthToSpace": 2, "Pad": 1},
    "U-Net, resampled": {"Convolution": 6, "Pool": 2, "Resize": 2},
    "DeepLab": {"Convolution": 9, "AdaptivePool": 1, "Resize": 1},
}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_architecture(name: str) -> None:
    torch.manual_seed(0)
    network = ARCHITECTURES[name]()
    randomize_norms(network)
    sizes = ((48, 64), (40, 56)) if name.startswith("U-Net") else ((48, 64), (45, 61))
    result = converted(network, sizes)
    for image in result.images:
        assert result.graph_error(image) < 1e-4
        assert result.snr(image) > 20.0
        assert result.runtime_differences(image) == []
        assert result.fake_quantized_differences(image) == []
    if name in OPERATORS:
        assert Counter(type(operator).__name__ for operator in result.program.stem) == OPERATORS[name]
