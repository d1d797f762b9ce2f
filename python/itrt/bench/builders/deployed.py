"""The float network as peers take it: unrolled, with its last answer at the image's size."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from itrt.nn import IterativeNetwork


class LogitNetwork(nn.Module):
    """Normalized image (1, 3, H, W) -> the logits of the last iteration, (1, classes, H, W)."""

    def __init__(self, network: IterativeNetwork, iterations: int):
        super().__init__()
        self.network = network.eval()
        self.iterations = iterations

    def forward(self, image: Tensor) -> Tensor:
        features = self.network.stem(image)
        state = features
        for step in range(self.iterations):
            state = self.network.block(state, features, step)
        return at_image_size(self.network.head(state), image.shape[-2], image.shape[-1])


class LabelNetwork(LogitNetwork):
    """Normalized image (1, 3, H, W) -> labels, (1, H, W) uint8."""

    def forward(self, image: Tensor) -> Tensor:
        return super().forward(image).argmax(dim=1).to(torch.uint8)


def at_image_size(logits: Tensor, height: int, width: int) -> Tensor:
    """Logits, resampled as every runtime does it."""
    return nn.functional.interpolate(logits, size=(height, width), mode="bilinear", align_corners=False)
