"""What an ItNet repeats: three blocks, and the convolution that all are made of.

They see their own last state and the stem's features at 1/4 of the image's resolution, work at 1/8 and 1/16, and return
the next state at 1/4.
"""

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class NormalizedConvolution(nn.Module):
    """A convolution without bias, then batch normalization: one for all steps, or one for each of ``norms`` steps.

    A 1x1 kernel needs no padding and a 3x3 kernel is padded by its dilation, so that stride 1 keeps the size.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, dilation: int = 1, norms: int = 1
    ) -> None:
        super().__init__()
        padding = dilation * (kernel // 2)
        self.convolution = nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(outputs) for _ in range(norms))
        nn.init.kaiming_normal_(self.convolution.weight, mode="fan_out", nonlinearity="relu")  # arXiv 1502.01852

    def forward(self, x: Tensor, step: int = 0) -> Tensor:
        norm = self.norms[step if len(self.norms) > 1 else 0]
        return cast(Tensor, norm(self.convolution(x)))


class HourglassBlock(nn.Module):
    """The repeated block: joins state and features, goes down from 1/4 to 1/16 and back up with skip additions."""

    def __init__(self, channels: tuple[int, int, int], dilations: tuple[int, ...], norms: int) -> None:
        super().__init__()
        high, middle, low = channels
        self.join = NormalizedConvolution(2 * high, high, 1, norms=norms)
        self.refine_high = NormalizedConvolution(high, high, 3, norms=norms)
        self.down_middle = NormalizedConvolution(high, middle, 3, stride=2, norms=norms)
        self.refine_middle = NormalizedConvolution(middle, middle, 3, norms=norms)
        self.down_low = NormalizedConvolution(middle, low, 3, stride=2, norms=norms)
        self.context = nn.ModuleList(
            NormalizedConvolution(low, low, 3, dilation=dilation, norms=norms) for dilation in dilations
        )
        self.up_middle = NormalizedConvolution(low, middle, 1, norms=norms)
        self.up_high = NormalizedConvolution(middle, high, 1, norms=norms)

    def forward(self, state: Tensor, features: Tensor, step: int) -> Tensor:
        joined = F.relu(self.join(torch.cat((state, features), dim=1), step))
        skip_high = F.relu(self.refine_high(joined, step))
        skip_middle = F.relu(self.refine_middle(F.relu(self.down_middle(skip_high, step)), step))
        low = F.relu(self.down_low(skip_middle, step))
        for convolution in self.context:
            low = F.relu(convolution(low, step))
        middle = F.relu(skip_middle + _upsample(self.up_middle(low, step), skip_middle))
        return F.relu(skip_high + _upsample(self.up_high(middle, step), skip_high))


class ContextBlock(nn.Module):
    """A block that does almost nothing at 1/4, and looks far at 1/8 and 1/16, in residual units (arXiv 1512.03385).

        1/4    state, features ─┐                             features ──(+)── next state
        1/8                     └─ down ── refine ─────────────(+)── up ──┘
        1/16                                 └─ down ── context ─┘

    The next state is the features and a correction from below, so details at 1/4 are never lost, and convolutions at
    1/4, which cost most, are the stem's alone.
    """

    def __init__(self, channels: tuple[int, int, int], dilations: tuple[int, ...], norms: int) -> None:
        super().__init__()
        high, middle, low = channels
        self.down_middle = NormalizedConvolution(2 * high, middle, 3, stride=2, norms=norms)
        self.refine_middle = NormalizedConvolution(middle, middle, 3, norms=norms)
        self.down_low = NormalizedConvolution(middle, low, 3, stride=2, norms=norms)
        self.context = nn.ModuleList(
            NormalizedConvolution(low, low, 3, dilation=dilation, norms=norms) for dilation in dilations
        )
        self.up_middle = NormalizedConvolution(low, middle, 1, norms=norms)
        self.up_high = NormalizedConvolution(middle, high, 1, norms=norms)

    def forward(self, state: Tensor, features: Tensor, step: int) -> Tensor:
        middle = F.relu(self.down_middle(torch.cat((state, features), dim=1), step))
        middle = F.relu(middle + self.refine_middle(middle, step))
        low = F.relu(self.down_low(middle, step))
        for convolution in self.context:
            low = F.relu(low + convolution(low, step))
        middle = F.relu(middle + _upsample(self.up_middle(low, step), middle))
        return F.relu(features + _upsample(self.up_high(middle, step), features))


class DetailBlock(ContextBlock):
    """A context block whose next state ends in one residual unit at 1/4: what is thin is drawn there.

    The unit's last factors are 0 at first (arXiv 1706.02677, section 5.1), so a context block with this unit added
    computes what it did before.
    """

    def __init__(self, channels: tuple[int, int, int], dilations: tuple[int, ...], norms: int) -> None:
        super().__init__(channels, dilations, norms)
        self.refine_high = NormalizedConvolution(channels[0], channels[0], 3, norms=norms)
        for norm in self.refine_high.norms:
            nn.init.zeros_(cast(nn.BatchNorm2d, norm).weight)

    def forward(self, state: Tensor, features: Tensor, step: int) -> Tensor:
        high = super().forward(state, features, step)
        return F.relu(high + self.refine_high(high, step))


def _upsample(x: Tensor, like: Tensor) -> Tensor:
    # The size comes from the skip, not from a factor of 2: an odd size was rounded up on the way down.
    return F.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=False)
