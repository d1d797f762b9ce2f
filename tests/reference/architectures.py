"""The structures of well-known networks, small and written here in torch.nn: for tests of conversion. Needs torch.

Each has the operators and the wiring of its model, with a few channels and blocks; weights are random.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812


def convolution(
    channels: int, out: int, kernel: int = 3, stride: int = 1, groups: int = 1, activation: nn.Module | None = None
) -> nn.Sequential:
    """Convolution, batch normalization, activation (ReLU in place if None)."""
    layer = nn.Conv2d(channels, out, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(out), nn.ReLU(inplace=True) if activation is None else activation)


class Residual(nn.Module):
    """ResNet's basic block: the addition is in place, and a projection where the size changes."""

    def __init__(self, channels: int, out: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            convolution(channels, out, 3, stride), convolution(out, out, activation=nn.Identity())
        )
        self.project = convolution(channels, out, 1, stride, activation=nn.Identity()) if stride > 1 else None

    def forward(self, x: Tensor) -> Tensor:
        y = self.body(x)
        y += x if self.project is None else self.project(x)
        return F.relu(y, inplace=True)


class Classifier(nn.Module):
    """Features, global average, flatten, dropout, linear: the usual head."""

    def __init__(self, features: nn.Module, channels: int, classes: int = 10) -> None:
        super().__init__()
        self.features = features
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Sequential(nn.Dropout(), nn.Linear(channels, classes))

    def forward(self, image: Tensor) -> Tensor:
        return self.head(torch.flatten(self.pool(self.features(image)), 1))


def resnet() -> nn.Module:
    stem = nn.Sequential(convolution(3, 8, 7, 2), nn.MaxPool2d(3, 2, 1))
    return Classifier(nn.Sequential(stem, Residual(8, 8, 1), Residual(8, 16, 2)), 16)


class SqueezeExcite(nn.Module):
    """A gate a channel from the average of all pixels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, channels // 4, 1),
            nn.ReLU(),
            nn.Conv2d(channels // 4, channels, 1),
            nn.Hardsigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gate(x)


class InvertedResidual(nn.Module):
    """MobileNet's block: expand, depthwise, project, add; version 3 has gates and hard-swish."""

    def __init__(self, channels: int, out: int, stride: int, version: int) -> None:
        super().__init__()
        activation = nn.ReLU6 if version == 2 else nn.Hardswish
        hidden = 4 * channels
        self.body = nn.Sequential(
            convolution(channels, hidden, 1, activation=activation(inplace=True)),
            convolution(hidden, hidden, 3, stride, groups=hidden, activation=activation(inplace=True)),
            SqueezeExcite(hidden) if version == 3 else nn.Identity(),
            convolution(hidden, out, 1, activation=nn.Identity()),
        )
        self.shortcut = stride == 1 and channels == out

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x) if self.shortcut else self.body(x)


def mobilenet(version: int) -> nn.Module:
    stem = convolution(3, 8, 3, 2, activation=nn.ReLU6() if version == 2 else nn.Hardswish())
    blocks = [InvertedResidual(8, 12, 2, version), InvertedResidual(12, 12, 1, version)]
    return Classifier(nn.Sequential(stem, *blocks), 12)


class ShuffleUnit(nn.Module):
    """ShuffleNetV2's unit: half of the channels pass by, then all are shuffled."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.branch = nn.Sequential(
            convolution(half, half, 1), convolution(half, half, 3, 1, half, nn.Identity()), convolution(half, half, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        first, second = x.chunk(2, dim=1)
        joined = torch.cat((first, self.branch(second)), dim=1)
        batch, channels, height, width = joined.size()
        shuffled = joined.view(batch, 2, channels // 2, height, width).transpose(1, 2).contiguous()
        return shuffled.view(batch, channels, height, width)


class ShuffleNet(nn.Module):
    """A mean over height and width in place of a pool."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(convolution(3, 16, 3, 2), ShuffleUnit(16), ShuffleUnit(16), ShuffleUnit(16))
        self.head = nn.Linear(16, 10)

    def forward(self, image: Tensor) -> Tensor:
        return self.head(self.features(image).mean([2, 3]))


class DenseLayer(nn.Module):
    """Normalization and ReLU in front of convolutions, on a concatenation that grows."""

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, 2 * growth, 1, bias=False),
            nn.BatchNorm2d(2 * growth),
            nn.ReLU(inplace=True),
            nn.Conv2d(2 * growth, growth, 3, padding=1, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat((x, self.layers(x)), dim=1)


def densenet() -> nn.Module:
    transition = nn.Sequential(nn.BatchNorm2d(20), nn.ReLU(), nn.Conv2d(20, 10, 1), nn.AvgPool2d(2))
    dense = nn.Sequential(DenseLayer(8, 6), DenseLayer(14, 6), transition, DenseLayer(10, 6), nn.BatchNorm2d(16))
    return Classifier(nn.Sequential(convolution(3, 8, 3, 2), dense, nn.ReLU()), 16)


class Inception(nn.Module):
    """GoogLeNet's parallel branches, one with a pool; SqueezeNet's fire module is two of them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        pool = nn.MaxPool2d(3, stride=1, padding=1, ceil_mode=True)
        self.branches = nn.ModuleList(
            [
                convolution(channels, 4, 1),
                nn.Sequential(convolution(channels, 4, 1), convolution(4, 8)),
                nn.Sequential(pool, convolution(channels, 4, 1)),
            ]
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.branches], 1)


def googlenet() -> nn.Module:
    features = nn.Sequential(
        convolution(3, 8, 3, 2), Inception(8), nn.MaxPool2d(3, 2, ceil_mode=True), Inception(16), nn.AvgPool2d(3, 1, 1)
    )
    return Classifier(features, 16)


class SqueezeNet(nn.Module):
    """The classifier is a convolution, and pooling comes last."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, ceil_mode=True))
        self.squeeze, self.narrow, self.wide = nn.Conv2d(8, 4, 1), nn.Conv2d(4, 8, 1), nn.Conv2d(4, 8, 3, padding=1)
        self.classify = nn.Sequential(nn.Dropout(), nn.Conv2d(16, 10, 1), nn.ReLU(), nn.AdaptiveAvgPool2d((1, 1)))

    def forward(self, image: Tensor) -> Tensor:
        x = self.squeeze(self.features(image)).relu_()
        joined = torch.cat([self.narrow(x).relu_(), self.wide(x).relu_()], 1)
        return torch.flatten(self.classify(joined), 1)


class UNet(nn.Module):
    """An encoder, and a decoder that doubles the size and reads what the encoder had there."""

    def __init__(self, transposed: bool) -> None:
        super().__init__()
        self.inside, self.down, self.bottom = convolution(3, 8), convolution(8, 12), convolution(12, 16)
        self.up = nn.ConvTranspose2d(16, 12, 2, 2) if transposed else nn.Upsample(scale_factor=2)
        self.upper = nn.ConvTranspose2d(12, 8, 4, 2, 1) if transposed else nn.UpsamplingBilinear2d(scale_factor=2)
        self.decode = convolution(24 if transposed else 28, 12)
        self.last = nn.Sequential(convolution(16 if transposed else 20, 8), nn.Conv2d(8, 5, 1))

    def forward(self, image: Tensor) -> Tensor:
        full = self.inside(image)
        half = self.down(F.max_pool2d(full, 2))
        quarter = self.bottom(F.max_pool2d(half, 2))
        x = self.decode(torch.cat((self.up(quarter), half), 1))
        return self.last(torch.cat((full, self.upper(x)), 1))


class DeepLab(nn.Module):
    """Atrous convolutions beside each other and an average of all pixels, resampled to theirs; a dictionary out."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Sequential(convolution(3, 8, 3, 2), convolution(8, 12, 3, 2), convolution(12, 12))
        self.atrous = nn.ModuleList(
            nn.Sequential(nn.Conv2d(12, 6, 3, padding=rate, dilation=rate), nn.BatchNorm2d(6), nn.ReLU())
            for rate in (1, 2, 4)
        )
        self.pooled = nn.Sequential(nn.AdaptiveAvgPool2d(1), convolution(12, 6, 1))
        self.project = nn.Sequential(convolution(24, 8, 1), nn.Dropout(0.5), nn.Conv2d(8, 5, 1))
        self.auxiliary = nn.Conv2d(12, 5, 1)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        features = self.backbone(image)
        average = F.interpolate(self.pooled(features), size=features.shape[-2:], mode="bilinear", align_corners=False)
        branches = [atrous(features) for atrous in self.atrous]
        logits = self.project(torch.cat([*branches, average], dim=1))
        size = image.shape[-2:]
        return {
            "out": F.interpolate(logits, size=size, mode="bilinear", align_corners=False),
            "aux": F.interpolate(self.auxiliary(features).softmax(1), size=size, mode="bilinear", align_corners=False),
        }


class FixedHead(nn.Module):
    """AlexNet's head: a pool to a fixed size larger than a pixel, and linear layers behind each other."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 6, 5, 4, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2))
        self.pool = nn.AdaptiveAvgPool2d((3, 2))
        self.head = nn.Sequential(nn.Dropout(), nn.Linear(36, 20), nn.ReLU(inplace=True), nn.Linear(20, 10))

    def forward(self, image: Tensor) -> Tensor:
        x = self.pool(self.features(image))
        return self.head(x.view(x.size(0), -1))


ARCHITECTURES: dict[str, Callable[[], nn.Module]] = {
    "ResNet": resnet,
    "MobileNetV2": lambda: mobilenet(2),
    "MobileNetV3": lambda: mobilenet(3),
    "ShuffleNetV2": ShuffleNet,
    "DenseNet": densenet,
    "GoogLeNet": googlenet,
    "SqueezeNet": SqueezeNet,
    "AlexNet": FixedHead,
    "U-Net, transposed": lambda: UNet(transposed=True),
    "U-Net, resampled": lambda: UNet(transposed=False),
    "DeepLab": DeepLab,
}
"""Makers of a network each, by the name of what has its structure."""
