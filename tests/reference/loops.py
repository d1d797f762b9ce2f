"""Iterative networks of a user's own, with what is rare in one: for tests of conversion. Needs torch."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from itrt.nn import IterativeNetwork


def shuffle(x: Tensor) -> Tensor:
    batch, channels, height, width = x.shape
    grouped = x.view(batch, 2, channels // 2, height, width).transpose(1, 2).contiguous()
    return grouped.view(batch, channels, height, width)


class GatedLoop(IterativeNetwork):
    """A block with a gate, a shuffle, a pool of what never changes, and a PReLU that differs by step."""

    def __init__(self) -> None:
        super().__init__(iterations=2, max_iterations=2)
        self.first = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.mix = nn.Conv2d(16, 8, 3, padding=1)
        self.activations = nn.ModuleList(nn.PReLU(8, init=0.2 + 0.3 * step) for step in range(2))
        self.last = nn.Conv2d(8, 4, 1)

    def stem(self, image: Tensor) -> Tensor:
        return self.first(image).relu()

    def block(self, state: Tensor, features: Tensor, step: int) -> Tensor:
        context = F.avg_pool2d(features, 3, 1, 1)
        mixed = self.activations[step](self.mix(torch.cat((state, context), 1)))
        return shuffle(mixed * mixed.mean((2, 3), keepdim=True).sigmoid())

    def head(self, state: Tensor) -> Tensor:
        return F.interpolate(self.last(F.max_pool2d(state, 2)), scale_factor=2.0)


class Refiner(IterativeNetwork):
    """A user's own network: inputs of very different scale, and a convolution over a weight a step and one for all."""

    def __init__(self) -> None:
        super().__init__(iterations=2)
        self.stem = nn.Sequential(nn.Conv2d(3, 6, 5, stride=2, padding=2), nn.ReLU())
        self.loud = nn.Conv2d(6, 6, 1)
        self.shared = nn.Parameter(torch.randn(6, 6, 1, 1) / 3)
        self.steps = nn.ParameterList(torch.randn(6, 6, 1, 1) / 100 for _ in range(2))
        self.head = nn.Conv2d(6, 4, 1)

    def block(self, state: Tensor, features: Tensor, step: int) -> Tensor:
        loud = 30 * self.loud.weight
        inputs = torch.cat((features, nn.functional.conv2d(state, loud)), dim=1)
        weight = torch.cat((self.shared, self.steps[step]), dim=1)
        return state + nn.functional.conv2d(inputs, weight).clamp(-2, 2)
