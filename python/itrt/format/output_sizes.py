"""Heights and widths of operators' outputs: they follow from those of the inputs (docs/numerics.md)."""

from __future__ import annotations

from collections.abc import Mapping

from itrt.format.program import (
    AdaptivePool,
    Add,
    Convolution,
    DepthToSpace,
    Gather,
    Lookup,
    Multiply,
    Operator,
    Pad,
    Pool,
    Resize,
    Term,
)

Size = tuple[int, int]  # height, width


def output_sizes(operator: Operator, sizes: Mapping[int, Size]) -> list[Size]:
    """Return the output's size as each input says it, given the sizes of the tensors before; (0, 0): it has none."""
    match operator:
        case Convolution():
            return [_convolved(sizes[term.input], term) for term in operator.terms]
        case Add() | Gather():
            return [sizes[index] for index in operator.inputs]
        case Multiply():
            return _multiplied([sizes[index] for index in operator.inputs])
        case Lookup():
            return [sizes[operator.input]]
        case Resize():
            return [_resized(operator, sizes)]
        case Pool():
            return [_pooled(sizes[operator.input], operator)]
        case AdaptivePool():
            return [operator.size]
        case Pad():
            return [_padded(sizes[operator.input], operator)]
        case DepthToSpace():
            height, width = sizes[operator.input]
            return [(height * operator.block[0], width * operator.block[1])]


def _convolved(size: Size, term: Term) -> Size:
    top, left, bottom, right = term.padding
    kernel = term.weight.at(0).shape[1:3]

    def along(axis: int, padding: int) -> int:
        room = size[axis] + padding - term.dilation[axis] * (kernel[axis] - 1) - 1
        return int(room // term.stride[axis]) + 1

    return along(0, top + bottom), along(1, left + right)


def _multiplied(found: list[Size]) -> list[Size]:
    """An input of one pixel goes with every size."""
    return [size for size in found if size != (1, 1)] or [(1, 1)]


def _resized(operator: Resize, sizes: Mapping[int, Size]) -> Size:
    if operator.size_of is not None:
        return sizes[operator.size_of]
    if operator.size is not None:
        return operator.size
    assert operator.factor is not None, f"{operator.name}: a size"
    (height, width), ((down, below), (across, beside)) = sizes[operator.input], operator.factor
    return height * down // below, width * across // beside


def _pooled(size: Size, pool: Pool) -> Size:
    def along(axis: int) -> int:
        before, after = pool.padding[axis], pool.padding[axis + 2]
        room = size[axis] + before + after - pool.dilation[axis] * (pool.kernel[axis] - 1) - 1
        stride = pool.stride[axis]
        if not pool.ceil:
            return room // stride + 1
        count = -(-room // stride) + 1
        return count - 1 if (count - 1) * stride >= size[axis] + before else count

    return along(0), along(1)


def _padded(size: Size, pad: Pad) -> Size:
    top, left, bottom, right = pad.padding
    if pad.mode == "reflect" and (max(top, bottom) >= size[0] or max(left, right) >= size[1]):
        return 0, 0  # a reflection needs more pixels than it has padding
    return size[0] + top + bottom, size[1] + left + right
