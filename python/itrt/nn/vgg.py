"""VGG-16 as a fully convolutional network: configuration D of arXiv 1409.1556, its first two fully connected layers
as convolutions (arXiv 1411.4038, section 3.1). Parameters have the names of torchvision's ``vgg16``.
"""

from torch import Tensor, nn

from itrt.nn.arguments import check_counts

_CONVOLUTIONS = (2, 2, 3, 3, 3)
"""3x3 convolutions of each stage; a pooling by two ends it."""
_HIDDEN = 64  # channels of the fully connected layers, in units of the first convolution's


class VGG16(nn.Module):
    """VGG-16 up to its last hidden layer, on images of any size: from (N, 3, H, W) to (N, hidden, H / 32, W / 32).

    Sizes are rounded up when they are halved, and the layer that covered 7x7 pixels is padded by three, so that each
    stage has a result for every pixel of the image.

    Parameters
    ----------
    width
        Channels of the first convolution; 64 in the paper. Everything else is proportional to it.

    Raises
    ------
    InvalidArgumentError
        If the width is no positive number.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        check_counts("width", [width])
        self.channels = tuple(width * factor for factor in (1, 2, 4, 8, 8))
        self.hidden = _HIDDEN * width
        layers: list[nn.Module] = []
        inputs = 3
        for count, outputs in zip(_CONVOLUTIONS, self.channels, strict=True):
            for _ in range(count):
                layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU()]
                inputs = outputs
            layers.append(nn.MaxPool2d(2, ceil_mode=True))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Conv2d(inputs, self.hidden, 7, padding=3),
            nn.ReLU(),
            nn.Dropout(),
            nn.Conv2d(self.hidden, self.hidden, 1),
            nn.ReLU(),
            nn.Dropout(),
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d) and module.bias is not None:
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")  # arXiv 1502.01852
                nn.init.zeros_(module.bias)

    def forward(self, image: Tensor) -> Tensor:
        hidden: Tensor = self.classifier(stages(self.features, image)[-1])
        return hidden


def stages(features: nn.Sequential, image: Tensor) -> list[Tensor]:
    """Return the results of the five poolings of ``VGG16(...).features``: at 1/2, 1/4, ... 1/32."""
    results = []
    x = image
    for layer in features:
        x = layer(x)
        if isinstance(layer, nn.MaxPool2d):
            results.append(x)
    return results
