"""DeepLabv3 on a ResNet-50, after "Rethinking Atrous Convolution" (arXiv 1706.05587).

                         ┌─ 1x1 ───────────────────────┐
    image ──► ResNet-50 ─┼─ 3x3, three dilation rates ─┼─► concatenation ──► 1x1 ──► 3x3 ──► 1x1 ──► logits
                         └─ mean over the image, 1x1 ──┘

Parameters have the names of torchvision's ``deeplabv3_resnet50``, so that its published weights load unchanged.
"""

from collections.abc import Sequence
from functools import partial
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from itrt.errors import InvalidArgumentError
from itrt.nn.arguments import check_counts
from itrt.nn.segmentation import ResNetSegmentation

RATES = {8: (12, 24, 36), 16: (6, 12, 18)}
"""Dilation rates of the pyramid for an output stride: half the stride sees as far with twice the rate."""


def _normalized(inputs: int, outputs: int, kernel: int, dilation: int = 1) -> list[nn.Module]:
    padding = dilation * (kernel // 2)
    convolution = nn.Conv2d(inputs, outputs, kernel, padding=padding, dilation=dilation, bias=False)
    return [convolution, nn.BatchNorm2d(outputs), nn.ReLU()]


class ImagePooling(nn.Sequential):
    """The mean over the image, through a 1x1 convolution, at every pixel."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(nn.AdaptiveAvgPool2d(1), *_normalized(inputs, outputs, 1))

    def forward(self, x: Tensor) -> Tensor:
        mean: Tensor = super().forward(x)  # type: ignore[no-untyped-call]
        return F.interpolate(mean, size=x.shape[-2:], mode="bilinear", align_corners=False)


class PyramidPooling(nn.Module):
    """Atrous spatial pyramid pooling: convolutions of several dilation rates and the image's mean, side by side."""

    def __init__(self, inputs: int, outputs: int, rates: Sequence[int]) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            [
                nn.Sequential(*_normalized(inputs, outputs, 1)),
                *(nn.Sequential(*_normalized(inputs, outputs, 3, rate)) for rate in rates),
                ImagePooling(inputs, outputs),
            ]
        )
        self.project = nn.Sequential(*_normalized(len(self.convs) * outputs, outputs, 1), nn.Dropout(0.5))

    def forward(self, x: Tensor) -> Tensor:
        joined: Tensor = self.project(torch.cat([branch(x) for branch in self.convs], dim=1))
        return joined


class DeepLabHead(nn.Sequential):
    """The pyramid to an eighth of the channels, a 3x3 convolution, normalized, and a 1x1 convolution to logits."""

    def __init__(self, inputs: int, classes: int, rates: Sequence[int]) -> None:
        channels = inputs // 8
        super().__init__(
            PyramidPooling(inputs, channels, rates),
            *_normalized(channels, channels, 3),
            nn.Conv2d(channels, classes, 1),
        )


class DeepLabV3ResNet50(ResNetSegmentation):
    """DeepLabv3 with a ResNet-50: logits at 1/8 or 1/16 of the image's resolution, rounded up.

    Parameters
    ----------
    classes
        Channels of the logits; 21 in torchvision's published weights (Pascal VOC with its background).
    output_stride
        8 (as in torchvision's) or 16.
    rates
        Dilation rates of the pyramid's 3x3 convolutions; None: 12, 24, 36 for stride 8, half of them for 16.
    auxiliary
        Whether there is a second classifier on the third stage, for training. torchvision's published state dicts have
        one; conversion leaves it out.
    width
        Channels of the ResNet's first convolution; 64 in the paper. Everything else is proportional to it.

    Raises
    ------
    InvalidArgumentError
        If an argument is out of range.
    """

    def __init__(
        self,
        classes: int = 21,
        *,
        output_stride: Literal[8, 16] = 8,
        rates: Sequence[int] | None = None,
        auxiliary: bool = True,
        width: int = 64,
    ) -> None:
        if output_stride not in RATES:
            raise InvalidArgumentError(f"output_stride: expected 8 or 16, found {output_stride!r}")
        rates = RATES[output_stride] if rates is None else tuple(rates)
        check_counts("rates", rates)
        head = partial(DeepLabHead, rates=rates)
        super().__init__(head, classes, output_stride=output_stride, auxiliary=auxiliary, width=width)
