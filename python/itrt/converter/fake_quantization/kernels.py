"""The kernels of a convolution: s8 values, float gradients."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from itrt.converter.fake_quantization.straight_through import straight_through
from itrt.converter.float_operators import FloatTerm
from itrt.converter.folding import input_channels


def straight_through_kernels(reals: Sequence[Tensor], stored: Sequence[Tensor]) -> tuple[list[Tensor], Tensor]:
    """Return the kernels of one accumulator in torch's order, and what one count of theirs is worth.

    Parameters
    ----------
    reals
        The weights of every term, multiplied by their input's scale, float64 (out, height, width, in / groups).
    stored
        The s8 values that stand for them, of the same shapes.

    Returns
    -------
    kernels
        float64 (out, in / groups, height, width): the stored values, with the gradient of the real ones.
    weight_scale
        float64 (out,), without a gradient. It is that with which the stored values come nearest to the real ones,
        however they were rounded: a gradient divided by it and multiplied by it again is the float network's.
    """
    floats = torch.cat([_by_channel(real.detach()) for real in reals], dim=1)
    counts = torch.cat([_by_channel(values) for values in stored], dim=1)
    squares = counts.square().sum(dim=1)
    scale = torch.where(squares > 0, (floats * counts).sum(dim=1) / squares.clamp(min=1.0), 1.0)
    kernels = [
        straight_through(real / scale.view(-1, 1, 1, 1), s).permute(0, 3, 1, 2).contiguous()
        for real, s in zip(reals, stored, strict=True)
    ]
    return kernels, scale


def image_scale(term: FloatTerm, std: Sequence[float]) -> Tensor:
    """Return what one of 255 levels of the image is worth to the weights that read it, (out, 1, 1, in / groups)."""
    levels = 1.0 / (255.0 * torch.tensor(std, dtype=torch.float64))
    return levels[torch.from_numpy(input_channels(term))][:, None, None, :]


def _by_channel(weight: Tensor) -> Tensor:
    return weight.double().reshape(weight.shape[0], -1)
