"""The float network as peers take it: unrolled, with its last answer at the image's size."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from itrt.nn import IterativeNetwork


class LogitNetwork(nn.Module):
    """Normalized image (1, 3, H, W) -> the logits, of the last iteration if there are several, (1, classes, H, W)."""

    def __init__(self, network: nn.Module, iterations: int):
        super().__init__()
        self.network = network.eval()
        self.iterations = iterations

    def forward(self, image: Tensor) -> Tensor:
        logits = self._iterated(self.network, image) if isinstance(self.network, IterativeNetwork) else self._fed(image)
        if logits.shape[-2:] == image.shape[-2:]:
            return logits
        return at_image_size(logits, image.shape[-2], image.shape[-1])

    def _iterated(self, network: IterativeNetwork, image: Tensor) -> Tensor:
        features = network.stem(image)
        state = features
        for step in range(self.iterations):
            state = network.block(state, features, step)
        return network.head(state)

    def _fed(self, image: Tensor) -> Tensor:
        result = self.network(image)
        if isinstance(result, Mapping):
            result = next(iter(result.values()))
        logits: Tensor = result if isinstance(result, Tensor) else result[0]
        return logits


class LabelNetwork(LogitNetwork):
    """Normalized image (1, 3, H, W) -> labels, (1, H, W) uint8."""

    def forward(self, image: Tensor) -> Tensor:
        return super().forward(image).argmax(dim=1).to(torch.uint8)


def at_image_size(logits: Tensor, height: int, width: int) -> Tensor:
    """Logits, resampled as every runtime does it."""
    return nn.functional.interpolate(logits, size=(height, width), mode="bilinear", align_corners=False)
