"""The float graph's operators in torch, float32, tensors (1, channels, height, width)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from itrt.converter.float_operators import (
    UNBOUNDED,
    FloatAdd,
    FloatDepthToSpace,
    FloatGather,
    FloatMultiply,
    FloatPad,
    FloatPool,
    FloatResize,
)


def add(operator: FloatAdd, tensors: Mapping[str, Tensor]) -> Tensor:
    """Sum, scaled and clamped."""
    pairs = zip(operator.inputs, operator.multipliers, strict=True)
    total = sum((tensors[name] * multiplier for name, multiplier in pairs), torch.zeros(()))
    return clamp(total, operator.clamp)


def multiply(operator: FloatMultiply, tensors: Mapping[str, Tensor]) -> Tensor:
    """Product, clamped."""
    first, second = operator.inputs
    return clamp(tensors[first] * tensors[second], operator.clamp)


def resize(operator: FloatResize, x: Tensor, size_of: Tensor | None) -> Tensor:
    """Resample to the size that one of three says."""
    size = resized(operator, x, size_of)
    if operator.mode == "nearest":
        return F.interpolate(x, size=size, mode="nearest")
    return F.interpolate(x, size=size, mode="bilinear", align_corners=operator.align_corners)


def resized(operator: FloatResize, x: Tensor, size_of: Tensor | None) -> tuple[int, int]:
    """Return height and width after a resize."""
    if size_of is not None:
        return size_of.shape[2], size_of.shape[3]
    if operator.size is not None:
        return operator.size
    assert operator.factor is not None, f"{operator.output}: a size"
    (down, below), (across, beside) = operator.factor
    return x.shape[2] * down // below, x.shape[3] * across // beside


def pool(operator: FloatPool, x: Tensor) -> Tensor:
    """Pool as torch does: it has the same ceil mode and the same count of padded places."""
    if operator.mode == "max":
        return F.max_pool2d(
            x, operator.kernel, operator.stride, operator.padding, operator.dilation, ceil_mode=operator.ceil
        )
    return F.avg_pool2d(
        x, operator.kernel, operator.stride, operator.padding, operator.ceil, count_include_pad=operator.count_padding
    )


def gather(operator: FloatGather, tensors: Mapping[str, Tensor]) -> Tensor:
    """Take channels of a concatenation of the inputs."""
    firsts = [0]
    for name in operator.inputs:
        firsts.append(firsts[-1] + tensors[name].shape[1])
    joined = torch.cat([tensors[name] for name in operator.inputs], dim=1)
    index = torch.tensor([firsts[place] + channel for place, channel in operator.channels], device=joined.device)
    return joined.index_select(1, index)


def pad(operator: FloatPad, x: Tensor) -> Tensor:
    """Pad or crop."""
    top, left, bottom, right = operator.padding
    return F.pad(x, (left, right, top, bottom), mode=operator.mode)


def depth_to_space(operator: FloatDepthToSpace, x: Tensor) -> Tensor:
    """Place the channels of a pixel beside each other: (i, j, c) of a pixel becomes pixel (i, j) of its block."""
    (down, across), (height, width) = operator.block, x.shape[2:]
    blocks = x.view(1, down, across, -1, height, width).permute(0, 3, 4, 1, 5, 2)
    return blocks.reshape(1, -1, height * down, width * across)


def clamp(x: Tensor, bounds: tuple[float, float]) -> Tensor:
    """Clamp, unless there are no bounds."""
    return x if bounds == UNBOUNDED else x.clamp(*bounds)
