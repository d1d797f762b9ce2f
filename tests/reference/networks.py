"""Networks, images and an oracle in the runtime's place, for tests of conversion. Needs torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from itrt.format import Program
from itrt.nn import IterativeNetwork, ItNet, ItNetSettings
from reference.executor import execute, labels

MEAN = (0.41, 0.43, 0.47)
STD = (0.29, 0.30, 0.31)


def randomize_norms(network: nn.Module, seed: int = 0) -> None:
    """Give each batch normalization statistics, gains (some negative, one zero) and shifts of its own."""
    generator = torch.Generator().manual_seed(seed)

    def uniform(like: torch.Tensor, low: float, high: float) -> torch.Tensor:
        return torch.rand(like.shape, generator=generator) * (high - low) + low

    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                assert module.running_mean is not None
                assert module.running_var is not None
                sign = torch.sign(uniform(module.weight, -0.25, 1.0))
                module.weight.copy_(uniform(module.weight, 0.6, 1.4) * sign)
                module.weight[0] = 0.0
                module.bias.copy_(uniform(module.bias, -0.3, 0.5))
                module.running_mean.copy_(uniform(module.bias, -0.5, 0.5))
                module.running_var.copy_(uniform(module.bias, 0.7, 1.6))


def small_itnet(seed: int = 0, **settings: object) -> ItNet:
    """An ItNet of a few thousand weights with randomized batch normalization."""
    defaults = {"classes": 5, "channels": (12, 16, 20), "stem_channels": 8, "iterations": 2}
    torch.manual_seed(seed)
    network = ItNet(ItNetSettings(**{**defaults, **settings}))  # type: ignore[arg-type]
    randomize_norms(network, seed)
    return network.eval()


class TinyNetwork(IterativeNetwork):
    """One convolution a part: quick to capture. Normalization is the same for all steps, or one a step."""

    def __init__(self, iterations: int, norms: int = 1) -> None:
        super().__init__(iterations, iterations if norms > 1 or iterations == 1 else None)
        self.first = nn.Conv2d(3, 6, 3, stride=2, padding=1)
        self.mix = nn.Conv2d(12, 6, 3, padding=1)
        self.norms = nn.ModuleList(nn.BatchNorm2d(6) for _ in range(norms))
        self.last = nn.Conv2d(6, 5, 1)

    def stem(self, image: torch.Tensor) -> torch.Tensor:
        return self.first(image).relu()

    def block(self, state: torch.Tensor, features: torch.Tensor, step: int) -> torch.Tensor:
        mixed = self.mix(torch.cat((state, features), dim=1))
        return self.norms[step % len(self.norms)](mixed).relu()

    def head(self, state: torch.Tensor) -> torch.Tensor:
        return self.last(state)


def tiny_network(iterations: int, norms: int = 1) -> TinyNetwork:
    """A TinyNetwork with randomized batch normalization."""
    torch.manual_seed(0)
    network = TinyNetwork(iterations, norms)
    randomize_norms(network)
    return network.eval()


def tiny_network_of_one_iteration() -> TinyNetwork:
    """`tiny_network` without arguments, for command lines."""
    return tiny_network(1)


def random_image(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """A u8 (height, width, 3) image: smooth shapes with noise."""
    generator = np.random.default_rng(seed)
    coarse = generator.uniform(0, 255, (height // 8 + 2, width // 8 + 2, 3))
    smooth = np.kron(coarse, np.ones((8, 8, 1)))[:height, :width]
    return np.clip(smooth + generator.normal(0, 12, smooth.shape), 0, 255).astype(np.uint8)


def normalized(image: NDArray[np.uint8]) -> torch.Tensor:
    """What the float network sees: (pixel / 255 - mean) / std, float32 (1, 3, height, width)."""
    pixels = torch.from_numpy(image).permute(2, 0, 1)[None].double() / 255
    return ((pixels - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)).float()


@dataclass(frozen=True)
class OracleResult:
    """The part of a result that the parity report reads."""

    labels: NDArray[np.int64]


@dataclass(frozen=True)
class OracleModel:
    """Looks like the runtime's model, computes with the oracle."""

    program: Program

    def taps(
        self, image: NDArray[np.uint8], iterations: int, names: Sequence[str] | None = None
    ) -> dict[tuple[str, int | None], NDArray[np.uint8]]:
        tensors = execute(self.program, image, iterations).tensors
        return {key: value for key, value in tensors.items() if names is None or key[0] in names}

    def run(self, image: NDArray[np.uint8], *, iterations: int) -> OracleResult:
        logits = execute(self.program, image, iterations).logits[-1]
        return OracleResult(labels(logits, *image.shape[:2]))


class SpreadNetwork(nn.Module):
    """A network without a loop whose channels have ranges up to ``2 ** octaves`` apart, as MobileNets' famously are.

    The function does not depend on ``octaves``: the next layer's weights make up for every factor.
    """

    def __init__(self, octaves: float, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.first = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.depthwise = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.mix = nn.Conv2d(8, 8, 1)
        self.refine = nn.Conv2d(8, 8, 3, padding=1)
        self.last = nn.Conv2d(8, 4, 1)
        for before, after in (
            ([self.first], [self.depthwise]),
            ([self.depthwise], [self.mix]),
            ([self.mix, self.refine], [self.refine, self.last]),  # both are summands
        ):
            self._spread(before, after, 2.0 ** (octaves * (torch.rand(8) - 0.5)))

    @staticmethod
    def _spread(before: list[nn.Conv2d], after: list[nn.Conv2d], factors: torch.Tensor) -> None:
        with torch.no_grad():
            for layer in before:
                assert layer.bias is not None
                layer.weight.mul_(factors[:, None, None, None])
                layer.bias.mul_(factors)
            for layer in after:
                layer.weight.div_(factors[:, None, None, None] if layer.groups > 1 else factors[None, :, None, None])

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        x = self.mix(self.depthwise(self.first(image).relu()).relu())
        return self.last((x + self.refine(x.relu())).relu())
