"""Lowering of transposed convolutions: a convolution that has the channels of all phases, and depth to space.

A transposed convolution of stride s writes s outputs for each input, and output y = q * s + phase - crop depends on few
inputs: input i reaches y through the tap k with i * s - padding + k * dilation = y. For a stride of 2 and 4 taps:

    input          i0        i1        i2
    taps        k0 k1 k2 k3
                      k0 k1 k2 k3
                            k0 k1 k2 k3
    output       y0 y1 y2 y3 y4 ...           even y: k0 of one input and k2 of its neighbour; odd y: k1 and k3

So an ordinary convolution of two taps computes the even and the odd outputs as channels of one pixel; depth to space
puts them beside each other, and what sticks out is cropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from itrt.converter.builder import SectionBuilder
from itrt.converter.captured import Node
from itrt.converter.float_operators import (
    FloatConstant,
    FloatConvolution,
    FloatDepthToSpace,
    FloatGather,
    FloatPad,
    combine,
)
from itrt.converter.lower_linear import constant_of, kernel_of, pair, terms_of


@dataclass(frozen=True)
class _Axis:
    """One axis: ``taps[phase]`` are the tap of the transposed kernel at each place of the ordinary one, or None."""

    taps: tuple[tuple[int | None, ...], ...]
    padding: tuple[int, int]
    crop: tuple[int, int]


def lower_transposed_convolution(node: Node, section: SectionBuilder) -> None:
    """Make a convolution over all phases, depth to space, and a crop where the phases do not end with the output."""
    arguments = node.arguments
    weight = kernel_of(arguments["weight"])  # (in, out / groups, height, width)
    groups = int(arguments["groups"])
    stride, padding, extra, dilation = (
        pair(arguments[name]) for name in ("stride", "padding", "output_padding", "dilation")
    )
    rows, columns = (
        _axis(weight.at(0).shape[2 + axis], stride[axis], padding[axis], extra[axis], dilation[axis]) for axis in (0, 1)
    )
    kernel = combine(lambda w: _phase_kernel(w, rows, columns, groups), weight)
    edges = (rows.padding[0], columns.padding[0], rows.padding[1], columns.padding[1])
    terms = terms_of(section, section.readable(arguments["input"], groups), kernel, padding=edges, groups=groups)

    channels = weight.at(0).shape[1] * groups
    # The convolution's channels are (group, phase, channel of the group), those of depth to space (phase, channel).
    phases = stride[0] * stride[1]
    places = np.arange(channels).reshape(groups, 1, -1).repeat(phases, axis=1).reshape(-1)
    bias = FloatConstant((np.zeros(channels),)) if arguments["bias"] is None else constant_of(arguments["bias"])
    convolved = section.new_tensor(node, "convolution", channels * phases)
    section.append(
        FloatConvolution(
            convolved,
            terms,
            FloatConstant((np.ones(channels * phases),)),
            combine(lambda b: b[places], bias),
        )
    )
    output = _spread(node, section, convolved, stride, channels, groups)
    crop = tuple(-amount for amount in (rows.crop[0], columns.crop[0], rows.crop[1], columns.crop[1]))
    if any(crop):
        cropped = section.new_tensor(node, "crop")
        output = section.append(FloatPad(cropped, output, (crop[0], crop[1], crop[2], crop[3]))).tensor
    section.attach(output, convolved, places)
    section.define(node, (section.whole(output),))


def _spread(
    node: Node, section: SectionBuilder, convolved: str, stride: tuple[int, int], channels: int, groups: int
) -> str:
    phases = stride[0] * stride[1]
    if phases == 1:
        return convolved
    if groups > 1:
        order = np.arange(channels * phases).reshape(groups, phases, -1).transpose(1, 0, 2).reshape(-1)
        gathered = section.new_tensor(node, "gather", channels * phases)
        section.append(FloatGather(gathered, (convolved,), tuple((0, int(channel)) for channel in order)))
        convolved = gathered
    output = section.new_tensor(node, "depth_to_space", channels)
    return section.append(FloatDepthToSpace(output, convolved, stride)).tensor


def _axis(kernel: int, stride: int, padding: int, extra: int, dilation: int) -> _Axis:
    """Align the phases so that the ordinary kernel is as short as can be, and then the crop."""
    candidates = [_aligned(kernel, stride, padding, extra, dilation, before) for before in range(stride)]
    return min(candidates, key=lambda axis: (len(axis.taps[0]), sum(axis.crop)))


def _aligned(kernel: int, stride: int, padding: int, extra: int, dilation: int, before: int) -> _Axis:
    """Return the axis if ``before`` outputs are computed and cropped ahead of the first."""
    place: dict[tuple[int, int], int] = {}  # (phase, input less q): the tap that leads from there
    for phase in range(stride):
        for tap in range(kernel):
            steps = phase - before + padding - tap * dilation
            if steps % stride == 0:
                place[phase, steps // stride] = tap
    # The output has (in - 1) * stride + length values, and the last pixel q is as far behind the last input.
    length = dilation * (kernel - 1) + extra + 1 - 2 * padding
    behind = -(-(length + before) // stride) - 1
    offsets = [offset for _, offset in place]
    lowest, highest = min([*offsets, 0]), max([*offsets, -behind])
    taps = tuple(tuple(place.get((phase, offset)) for offset in range(lowest, highest + 1)) for phase in range(stride))
    return _Axis(taps, (-lowest, behind + highest), (before, (behind + 1) * stride - length - before))


def _phase_kernel(weight: NDArray[np.float64], rows: _Axis, columns: _Axis, groups: int) -> NDArray[np.float64]:
    """Return (groups * phases * out / groups, height, width, in / groups) of (in, out / groups, height, width)."""
    inputs, outputs = weight.shape[:2]
    grouped: Any = weight.reshape(groups, inputs // groups, outputs, *weight.shape[2:])
    shape = (groups, len(rows.taps), len(columns.taps), outputs, len(rows.taps[0]), len(columns.taps[0]))
    kernel = np.zeros((*shape, inputs // groups))
    for down, vertical in enumerate(rows.taps):
        for across, horizontal in enumerate(columns.taps):
            for y, row in enumerate(vertical):
                for x, column in enumerate(horizontal):
                    if row is not None and column is not None:
                        kernel[:, down, across, :, y, x] = grouped[:, :, :, row, column].transpose(0, 2, 1)
    return kernel.reshape(-1, *kernel.shape[4:])
