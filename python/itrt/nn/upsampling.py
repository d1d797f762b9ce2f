"""Upsampling by transposed convolutions, after "Fully Convolutional Networks" (arXiv 1411.4038), section 3.3."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def bilinear_upsampling(channels: int, factor: int, *, learned: bool = True) -> nn.ConvTranspose2d:
    """Return a transposed convolution that starts as bilinear interpolation by an even factor.

    Pixels spread over 2 * factor pixels, so two neighbours' weights sum to one between their centres; factor 2::

        input            a           b           c
        weights       1/4 3/4 3/4 1/4
                              1/4 3/4 3/4 1/4
                                      1/4 3/4 3/4 1/4
        output            a   a   b   b   c   c         3/4 and 1/4 of its neighbours; beyond the border are zeros

    The output is ``factor`` times the input. At the border all channels are smaller by one factor, which changes no
    argmax.

    Parameters
    ----------
    channels
        Of input and output.
    factor
        An even number.
    learned
        False: the weights stay as they are in training, and channels are never mixed.
    """
    groups = 1 if learned else channels
    layer = nn.ConvTranspose2d(channels, channels, 2 * factor, factor, factor // 2, groups=groups, bias=False)
    filter_ = bilinear_filter(factor)
    with torch.no_grad():
        nn.init.zeros_(layer.weight)  # (channels, channels / groups, 2 * factor, 2 * factor)
        for channel in range(channels):
            layer.weight[channel, channel if learned else 0] = filter_
    return layer.requires_grad_(learned)


def bilinear_filter(factor: int) -> Tensor:
    """Return the weights of bilinear interpolation by an even factor, float (2 * factor, 2 * factor)."""
    positions = torch.arange(2 * factor, dtype=torch.float32)
    line = 1 - (positions - (factor - 0.5)).abs() / factor
    return torch.outer(line, line)


def crop_to(x: Tensor, like: Tensor) -> Tensor:
    """Drop the last row, the last column, both or none, so that x has the height and width of ``like``.

    A size that was halved and rounded up may be one less than its half doubled::

        5 rows ──► 3 ──► 6: the last one has no partner

    Nearest-neighbour resampling from n + 1 rows to n reads row floor(i * (n + 1) / n) = i for each i < n, and is an
    operator with "the size of another tensor" for a target, in torch.export and in the runtime; a slice is not.
    """
    return F.interpolate(x, size=like.shape[-2:], mode="nearest")
