"""What segmentation networks on a ResNet-50 share: backbone, classifier, a second classifier for training."""

from collections.abc import Callable, Mapping
from typing import cast

import torch.nn.functional as F
from torch import Tensor, nn

from itrt.nn.arguments import check_counts
from itrt.nn.resnet import OutputStride, ResNet50
from itrt.nn.weights import load_weights


class ResNetSegmentation(nn.Module):
    """A ResNet-50 and a head; parameters have the names of torchvision's segmentation networks.

    ``network(image)`` returns logits at the head's resolution: what is converted, and what the runtime resamples once,
    when labels are read. ``network.outputs(image)`` returns what torchvision's networks return.

    Parameters
    ----------
    head
        Makes the classifier, from the last stage's channels and the number of classes.
    classes
        Channels of the logits.
    output_stride, width
        Those of the `ResNet50`.
    auxiliary
        Whether there is a second classifier on the third stage, for a second loss in training.

    Raises
    ------
    InvalidArgumentError
        If a number is out of range.
    """

    def __init__(
        self,
        head: Callable[[int, int], nn.Module],
        classes: int,
        *,
        output_stride: OutputStride,
        auxiliary: bool,
        width: int,
    ) -> None:
        super().__init__()
        check_counts("classes", [classes])
        self.backbone = ResNet50(output_stride, width)
        third, fourth = self.backbone.channels
        self.classifier = head(fourth, classes)
        self.aux_classifier = FCNHead(third, classes) if auxiliary else None

    def forward(self, image: Tensor) -> Tensor:
        """Return logits (N, classes, h, w), at the image's resolution divided by the output stride, rounded up.

        Parameters
        ----------
        image
            Float (N, 3, H, W), normalized; any height and width.
        """
        return cast(Tensor, self.classifier(self.backbone(image)[1]))

    def outputs(self, image: Tensor) -> dict[str, Tensor]:
        """Return logits (N, classes, H, W) at the image's size: "out" and, with a second classifier, "aux"."""
        third, fourth = self.backbone(image)
        logits = {"out": self.classifier(fourth)}
        if self.aux_classifier is not None:
            logits["aux"] = self.aux_classifier(third)
        size = image.shape[-2:]
        return {
            name: F.interpolate(values, size=size, mode="bilinear", align_corners=False)
            for name, values in logits.items()
        }

    def load_backbone(self, weights: Mapping[str, Tensor]) -> None:
        """Start from a classifier of images: torchvision's state dict of ``resnet50``, unchanged.

        Raises
        ------
        CheckpointError
            If names or shapes differ; nothing is loaded then.
        """
        load_weights(self.backbone, weights, source="weights of ResNet-50", ignore=("fc.*",))


class FCNHead(nn.Sequential):
    """A 3x3 convolution to a quarter of the channels, normalized, and a 1x1 convolution to logits."""

    def __init__(self, inputs: int, classes: int) -> None:
        channels = inputs // 4
        super().__init__(
            nn.Conv2d(inputs, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Dropout(0.1),
            nn.Conv2d(channels, classes, 1),
        )
