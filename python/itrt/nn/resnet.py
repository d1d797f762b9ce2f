"""ResNet-50 without its classifier, with dilated convolutions in place of the last strides.

After "Deep Residual Learning" (arXiv 1512.03385); the stride is that of a unit's 3x3 convolution, and parameters have
the names of torchvision's ``resnet50``, so that its published weights load unchanged. Dilation instead of stride
("atrous convolution") is that of DeepLabv3 (arXiv 1706.05587), section 3.1.
"""

from typing import Literal, cast

import torch.nn.functional as F
from torch import Tensor, nn

from itrt.errors import InvalidArgumentError
from itrt.nn.arguments import check_counts

OutputStride = Literal[8, 16, 32]

_UNITS = (3, 4, 6, 3)
_EXPANSION = 4
# Stages of a network with this output stride that dilate their convolutions instead of striding.
_DILATED = {32: (), 16: (3,), 8: (2, 3)}


class Bottleneck(nn.Module):
    """A residual unit: 1x1 to ``width`` channels, 3x3 (with the stride or dilation), 1x1 to four times ``width``."""

    def __init__(self, inputs: int, width: int, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        outputs = _EXPANSION * width
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, dilation, dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Module | None = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return F.relu(self.bn3(self.conv3(x)) + shortcut)


class ResNet50(nn.Module):
    """The convolutional part of ResNet-50: an image (N, 3, H, W) to the results of its last two stages.

    Parameters
    ----------
    output_stride
        The image's resolution divided by the result's (rounded up): 8, 16 or 32.
    width
        Channels of the first convolution; 64 in the paper. A unit of the last stage has 32 times as many.

    Raises
    ------
    InvalidArgumentError
        If the output stride or the width is none of these.
    """

    def __init__(self, output_stride: OutputStride = 32, width: int = 64) -> None:
        super().__init__()
        if output_stride not in _DILATED:
            raise InvalidArgumentError(f"output_stride: expected 8, 16 or 32, found {output_stride!r}")
        check_counts("width", [width])
        self.channels = (4 * _EXPANSION * width, 8 * _EXPANSION * width)
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        dilated = _DILATED[output_stride]
        stages = []
        inputs, dilation = width, 1
        for stage, units in enumerate(_UNITS):
            stride = 1 if stage == 0 or stage in dilated else 2
            # The first unit reads what the stage before wrote: its dilation is still that stage's.
            dilations = [dilation] + [2 * dilation if stage in dilated else dilation] * (units - 1)
            dilation = dilations[-1]
            stages.append(_stage(inputs, width << stage, stride, dilations))
            inputs = _EXPANSION * (width << stage)
        self.layer1, self.layer2, self.layer3, self.layer4 = stages
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")  # arXiv 1502.01852

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        x = self.maxpool(F.relu(self.bn1(self.conv1(image))))
        third = cast(Tensor, self.layer3(self.layer2(self.layer1(x))))
        return third, cast(Tensor, self.layer4(third))


def _stage(inputs: int, width: int, stride: int, dilations: list[int]) -> nn.Sequential:
    units = [Bottleneck(inputs, width, stride, dilations[0])]
    units += [Bottleneck(_EXPANSION * width, width, 1, dilation) for dilation in dilations[1:]]
    return nn.Sequential(*units)
