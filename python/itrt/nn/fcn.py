"""Fully convolutional networks on VGG-16 and ResNet-50, after arXiv 1411.4038.

FCN-8s; FCN-16s ends at the first sum, FCN-32s before it:

    image ──► VGG-16 ──► pool3 ────────► pool4 ────────► pool5 ──► fully connected layers
                          1/8             1/16            1/32      as convolutions
                           │               │                          │
                         score           score                      score
                           │               ▼                          │
                           │              (+) ◄── transposed, x2 ─────┘
                           ▼               │
    logits, 1/8 ◄──────── (+) ◄────────────┘ transposed, x2
"""

from collections.abc import Mapping
from typing import Literal, cast

from torch import Tensor, nn

from itrt.errors import InvalidArgumentError
from itrt.nn.arguments import check_counts
from itrt.nn.resnet import OutputStride
from itrt.nn.segmentation import FCNHead, ResNetSegmentation
from itrt.nn.upsampling import bilinear_upsampling, crop_to
from itrt.nn.vgg import VGG16, stages
from itrt.nn.weights import load_weights


class FCNVGG16(nn.Module):
    """FCN-8s, FCN-16s or FCN-32s on VGG-16: logits at 1/8, 1/16 or 1/32 of the image's resolution, rounded up.

    Skips are joined by transposed convolutions that start as bilinear interpolation and are learned. The last
    one, to the image's size, is fixed to bilinear interpolation, as in the paper: ``network(image)`` leaves it out,
    for that is what the runtime does when labels are read; ``network.outputs(image)`` has it.

    Scores start at zero, as in the paper. The convolutions' padding keeps sizes, where the paper's first one adds 100
    pixels and crops in the end.

    Parameters
    ----------
    classes
        Channels of the logits.
    stride
        8, 16 or 32: the image's resolution divided by the logits'.
    width
        Channels of the first convolution; 64 in VGG-16. Everything else is proportional to it.

    Raises
    ------
    InvalidArgumentError
        If an argument is out of range.
    """

    def __init__(self, classes: int = 21, *, stride: Literal[8, 16, 32] = 8, width: int = 64) -> None:
        super().__init__()
        check_counts("classes", [classes])
        if stride not in (8, 16, 32):
            raise InvalidArgumentError(f"stride: expected 8, 16 or 32, found {stride!r}")
        self.stride = stride
        vgg = VGG16(width)
        self.features = vgg.features
        self.classifier = vgg.classifier
        self.score = _score(vgg.hidden, classes)
        if stride <= 16:
            self.upscore = bilinear_upsampling(classes, 2)
            self.score_pool4 = _score(vgg.channels[3], classes)
        if stride == 8:
            self.upscore_pool4 = bilinear_upsampling(classes, 2)
            self.score_pool3 = _score(vgg.channels[2], classes)
        self.upscore_image = bilinear_upsampling(classes, stride, learned=False)

    def forward(self, image: Tensor) -> Tensor:
        """Return logits (N, classes, h, w).

        Parameters
        ----------
        image
            Float (N, 3, H, W), normalized; any height and width.
        """
        pools = stages(self.features, image)
        scores = cast(Tensor, self.score(self.classifier(pools[4])))
        if self.stride <= 16:
            skip = self.score_pool4(pools[3])
            scores = skip + crop_to(self.upscore(scores), skip)
        if self.stride == 8:
            skip = self.score_pool3(pools[2])
            scores = skip + crop_to(self.upscore_pool4(scores), skip)
        return scores

    def outputs(self, image: Tensor) -> dict[str, Tensor]:
        """Return {"out": logits (N, classes, H, W)} at the image's size, by the last transposed convolution."""
        height, width = image.shape[-2:]
        return {"out": self.upscore_image(self(image))[:, :, :height, :width]}

    def load_backbone(self, weights: Mapping[str, Tensor]) -> None:
        """Start from a classifier of images: torchvision's state dict of ``vgg16``, unchanged.

        The first two fully connected layers become convolutions; the last one, of the image's classes, is left out.

        Raises
        ------
        CheckpointError
            If names or shapes differ; nothing is loaded then.
        """
        backbone = nn.ModuleDict({"features": self.features, "classifier": self.classifier})
        shapes = {name: value.shape for name, value in backbone.state_dict().items()}
        convolutions = {
            name: value.reshape(shapes[name]) if name in shapes and value.numel() == shapes[name].numel() else value
            for name, value in weights.items()
        }
        load_weights(backbone, convolutions, source="weights of VGG-16", ignore=("classifier.6.*",))


def _score(inputs: int, classes: int) -> nn.Conv2d:
    layer = nn.Conv2d(inputs, classes, 1)
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer


class FCNResNet50(ResNetSegmentation):
    """FCN on a dilated ResNet-50: logits at 1/8 of the image's resolution, rounded up.

    Parameters have the names of torchvision's ``fcn_resnet50``, so that its published weights load unchanged.

    Parameters
    ----------
    classes
        Channels of the logits; 21 in torchvision's published weights (Pascal VOC with its background).
    output_stride
        8 (as in torchvision's), 16 or 32.
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
        output_stride: OutputStride = 8,
        auxiliary: bool = True,
        width: int = 64,
    ) -> None:
        super().__init__(FCNHead, classes, output_stride=output_stride, auxiliary=auxiliary, width=width)
