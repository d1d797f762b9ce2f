"""ItNet for semantic segmentation: a strided stem, one block executed k times, a 1x1 head.

After "Iterative Networks" (ItNet), arXiv 2101.08685: the block sees its own last state and the stem's features,
works at several scales and keeps the state's shape. Iterations that share weights differ in their activations'
statistics, so each may have a batch normalization of its own, as in recurrent networks (arXiv 1603.09025).
"""

from dataclasses import dataclass, replace
from typing import Literal, cast

import torch.nn.functional as F
from torch import Tensor, nn

from itrt.errors import InvalidArgumentError
from itrt.nn.arguments import check_counts
from itrt.nn.blocks import ContextBlock, DetailBlock, HourglassBlock, NormalizedConvolution
from itrt.nn.iterative import IterativeNetwork
from itrt.nn.weights import load_weights

BatchNormMode = Literal["per_iteration", "shared"]
BlockKind = Literal["hourglass", "context", "detail"]

_BLOCKS = {"hourglass": HourglassBlock, "context": ContextBlock, "detail": DetailBlock}


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
    stem_convolutions
        Convolutions at 1/4 that end the stem.
    iterations
        Iterations to train with and to execute by default.
    block
        "hourglass" (convolutions at every resolution), "context" (none at 1/4, residual units at 1/16) or "detail" (the
        same with a residual unit at 1/4).
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
    stem_convolutions: int = 0
    iterations: int = 4
    block: BlockKind = "hourglass"
    dilations: tuple[int, ...] = (2,)
    share_weights: bool = True
    batch_norm: BatchNormMode = "per_iteration"

    def __post_init__(self) -> None:
        # A file or a command line brings lists: tuples keep the settings hashable and comparable.
        object.__setattr__(self, "channels", tuple(self.channels))
        object.__setattr__(self, "dilations", tuple(self.dilations))
        if len(self.channels) != 3:
            raise InvalidArgumentError(f"channels: expected 3 numbers (at 1/4, 1/8, 1/16), found {self.channels}")
        check_counts("classes", [self.classes])
        check_counts("channels", self.channels)
        check_counts("stem_channels", [self.stem_channels])
        check_counts("iterations", [self.iterations])
        check_counts("dilations", self.dilations)
        if self.stem_convolutions < 0:
            raise InvalidArgumentError(f"stem_convolutions: expected at least 0, found {self.stem_convolutions}")
        if self.block not in _BLOCKS:
            raise InvalidArgumentError(f"block: expected {', '.join(map(repr, _BLOCKS))}, found {self.block!r}")
        if self.batch_norm not in ("per_iteration", "shared"):
            raise InvalidArgumentError(f"batch_norm: expected 'per_iteration' or 'shared', found {self.batch_norm!r}")

    @property
    def max_iterations(self) -> int | None:
        """The most iterations that such a network can execute; None if there is no limit."""
        return None if self.share_weights and self.batch_norm == "shared" else self.iterations


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
        self.stem_refine = nn.ModuleList(
            NormalizedConvolution(high, high, 3) for _ in range(settings.stem_convolutions)
        )
        blocks = 1 if settings.share_weights else settings.iterations
        norms = settings.iterations if settings.share_weights and settings.batch_norm == "per_iteration" else 1
        block = _BLOCKS[settings.block]
        self.blocks = nn.ModuleList(block(settings.channels, settings.dilations, norms) for _ in range(blocks))
        self.classifier = nn.Conv2d(high, settings.classes, 1)

    def with_detail(self) -> "ItNet":
        """Return a network with block "detail" that computes what this one, with block "context", does.

        Raises
        ------
        InvalidArgumentError
            If this network has another block.
        """
        if self.settings.block != "context":
            raise InvalidArgumentError(f"block: expected 'context', to add detail to, found {self.settings.block!r}")
        grown = ItNet(replace(self.settings, block="detail"))
        load_weights(grown, {**grown.state_dict(), **self.state_dict()}, source="the network with block 'context'")
        return grown.train(self.training)

    def stem(self, image: Tensor) -> Tensor:
        features = F.relu(self.stem_quarter(F.relu(self.stem_half(image))))
        for convolution in self.stem_refine:
            features = F.relu(convolution(features))
        return features

    def block(self, state: Tensor, features: Tensor, step: int) -> Tensor:
        block = self.blocks[step if len(self.blocks) > 1 else 0]
        return cast(Tensor, block(state, features, step))

    def head(self, state: Tensor) -> Tensor:
        return cast(Tensor, self.classifier(state))
