"""ItNet for semantic segmentation: a strided stem, one hourglass block executed k times, a 1x1 head.

After "Iterative Networks" (ItNet), arXiv 2101.08685: the block sees its own last state and the stem's features,
works at several scales and keeps the state's shape. Iterations that share weights differ in their activations'
statistics, so each may have a batch normalization of its own, as in recurrent networks (arXiv 1603.09025).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from itrt.errors import InvalidArgumentError
from itrt.nn.iterative import IterativeNetwork

BatchNormMode = Literal["per_iteration", "shared"]


@dataclass(frozen=True)
class ItNetSettings:
    """Everything that determines the structure of an ``ItNet``.

    Parameters
    ----------
    classes
        Number of classes: channels of the logits.
    channels
        Channels at 1/4, 1/8 and 1/16 of the image's resolution; the first is the state's.
    stem_channels
        Channels at 1/2, inside the stem.
    iterations
        Iterations to train with and to execute by default.
    dilations
        One 3x3 convolution at 1/16 for each entry, with that dilation.
    share_weights
        True: one block. False: the unrolled network, a block of its own for each iteration.
    batch_norm
        "per_iteration" or "shared": whether iterations that share weights also share batch normalization.

    Raises
    ------
    InvalidArgumentError
        If a setting is out of range.
    """

    classes: int = 11
    channels: tuple[int, int, int] = (64, 96, 128)
    stem_channels: int = 32
    iterations: int = 4
    dilations: tuple[int, ...] = (2,)
    share_weights: bool = True
    batch_norm: BatchNormMode = "per_iteration"

    def __post_init__(self) -> None:
        # A file or a command line brings lists: tuples keep the settings hashable and comparable.
        object.__setattr__(self, "channels", tuple(self.channels))
        object.__setattr__(self, "dilations", tuple(self.dilations))
        if len(self.channels) != 3:
            raise InvalidArgumentError(f"channels: expected 3 numbers (at 1/4, 1/8, 1/16), found {self.channels}")
        _check_positive("classes", [self.classes])
        _check_positive("channels", self.channels)
        _check_positive("stem_channels", [self.stem_channels])
        _check_positive("iterations", [self.iterations])
        _check_positive("dilations", self.dilations)
        if self.batch_norm not in ("per_iteration", "shared"):
            raise InvalidArgumentError(f"batch_norm: expected 'per_iteration' or 'shared', found {self.batch_norm!r}")

    @property
    def max_iterations(self) -> int | None:
        """The most iterations that such a network can execute; None if there is no limit."""
        return None if self.share_weights and self.batch_norm == "shared" else self.iterations


def _check_positive(name: str, values: Sequence[int]) -> None:
    for value in values:
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise InvalidArgumentError(f"{name}: expected whole numbers of at least 1, found {value!r}")


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


def _upsample(x: Tensor, like: Tensor) -> Tensor:
    # The size comes from the skip, not from a factor of 2: an odd size was rounded up on the way down.
    return F.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=False)


class ItNet(IterativeNetwork):
    """The iterative segmentation network; logits at 1/4 of the image's resolution, rounded up.

    Parameters
    ----------
    settings
        The structure; ``ItNetSettings()`` if None.
    """

    def __init__(self, settings: ItNetSettings | None = None) -> None:
        settings = settings or ItNetSettings()
        super().__init__(settings.iterations, settings.max_iterations)
        self.settings = settings
        high = settings.channels[0]
        self.stem_half = NormalizedConvolution(3, settings.stem_channels, 3, stride=2)
        self.stem_quarter = NormalizedConvolution(settings.stem_channels, high, 3, stride=2)
        blocks = 1 if settings.share_weights else settings.iterations
        norms = settings.iterations if settings.share_weights and settings.batch_norm == "per_iteration" else 1
        self.blocks = nn.ModuleList(HourglassBlock(settings.channels, settings.dilations, norms) for _ in range(blocks))
        self.classifier = nn.Conv2d(high, settings.classes, 1)

    def stem(self, image: Tensor) -> Tensor:
        return F.relu(self.stem_quarter(F.relu(self.stem_half(image))))

    def block(self, state: Tensor, features: Tensor, step: int) -> Tensor:
        block = self.blocks[step if len(self.blocks) > 1 else 0]
        return cast(Tensor, block(state, features, step))

    def head(self, state: Tensor) -> Tensor:
        return cast(Tensor, self.classifier(state))
