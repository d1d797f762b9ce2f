"""Lowering of reshapes, transpositions and slices: they say which element stands where, and copy nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from itrt.converter.builder import SectionBuilder
from itrt.converter.captured import Node, Value
from itrt.converter.float_operators import FloatPool
from itrt.converter.lower_shape import lower_padding
from itrt.converter.sizes import difference
from itrt.converter.unsupported import UnsupportedOperatorError
from itrt.converter.values import Arrangement, simplified

_ENDLESS = 2**31  # a slice's end beyond this means "to the end"


def lower_reshape(node: Node, section: SectionBuilder) -> None:
    """View, reshape, flatten, squeeze, unsqueeze: the new shape says it all."""
    source = node.arguments["self"]
    own, new = section.section.dimensions[source.name], section.section.dimensions[node.name]
    if own == new:
        section.alias(node, source)
        return
    arrangement = _arrangement(source, section)
    if arrangement.pixels is None and (len(new) < 3 or new[-2:] != own[-2:]):
        arrangement = _with_pixels(arrangement, own)
    axes = new[1:] if arrangement.pixels is not None else new[1:-2]
    if new[0] != "1" or not all(axis.isdigit() for axis in axes):
        raise UnsupportedOperatorError(f"makes ({', '.join(own)}) a tensor of shape ({', '.join(new)})")
    places = arrangement.places.reshape([int(axis) for axis in axes])
    section.define(node, simplified(Arrangement(arrangement.parts, places, arrangement.pixels)), [source])


def lower_permute(node: Node, section: SectionBuilder) -> None:
    """Exchange axes, but neither the batch's nor those of height and width, unless these are known."""
    source = node.arguments["self"]
    rank = len(section.section.dimensions[source.name])
    if "dims" in node.arguments:
        order = [axis % rank for axis in node.arguments["dims"]]
    else:
        order = list(range(rank))
        first, second = node.arguments["dim0"] % rank, node.arguments["dim1"] % rank
        order[first], order[second] = second, first
    arrangement = _arrangement(source, section)
    axes = arrangement.places.ndim
    if order[0] != 0 or order[axes + 1 :] != list(range(axes + 1, rank)):
        raise UnsupportedOperatorError(f"exchanges the axes to {tuple(order)}: pixels and channels, or the batch")
    places = arrangement.places.transpose([axis - 1 for axis in order[1 : axes + 1]])
    section.define(node, simplified(Arrangement(arrangement.parts, places, arrangement.pixels)), [source])


def lower_split(node: Node, section: SectionBuilder) -> None:
    """Chunk and split."""
    source = node.arguments["self"]
    dimensions = section.section.dimensions[source.name]
    axis = node.arguments["dim"] % len(dimensions)
    arrangement, place = _axis(source, axis, section)
    size = arrangement.places.shape[place]
    if "chunks" in node.arguments:
        step = -(-size // int(node.arguments["chunks"]))
        ends = list(range(step, size, step))
    else:
        sizes = node.arguments["split_size" if "split_size" in node.arguments else "split_sizes"]
        ends = list(range(sizes, size, sizes)) if isinstance(sizes, int) else np.cumsum(sizes)[:-1].tolist()
    results = [
        simplified(Arrangement(arrangement.parts, places, arrangement.pixels))
        for places in np.split(arrangement.places, ends, axis=place)
    ]
    section.define_several(node, results, source)


def lower_slice(node: Node, section: SectionBuilder) -> None:
    """Some channels, or a crop, or every second pixel."""
    arguments = node.arguments
    source = arguments["self"]
    dimensions = section.section.dimensions[source.name]
    axis = arguments["dim"] % len(dimensions)
    start, end, step = arguments["start"] or 0, arguments["end"], arguments["step"]
    if axis >= len(dimensions) - 2 and len(dimensions) == 4:
        _slice_pixels(node, section, axis - 2, start, end, step)
        return
    arrangement, place = _axis(source, axis, section)
    if not all(bound is None or isinstance(bound, int) for bound in (start, end, step)):
        raise UnsupportedOperatorError(
            f"slices from {start} to {end}; numbers that do not depend on the image are supported"
        )
    chosen: list[Any] = [slice(None)] * arrangement.places.ndim
    chosen[place] = slice(start, end, step)
    places = arrangement.places[tuple(chosen)]
    section.define(node, simplified(Arrangement(arrangement.parts, places, arrangement.pixels)), [source])


def lower_narrow(node: Node, section: SectionBuilder) -> None:
    """A slice of a start and a length."""
    start, length = node.arguments["start"], node.arguments["length"]
    if not isinstance(start, int) or not isinstance(length, int):
        raise UnsupportedOperatorError(f"has start {start} and length {length}; numbers are supported")
    bounds = {"self": node.arguments["self"], "dim": node.arguments["dim"], "start": start, "end": start + length}
    lower_slice(replace(node, arguments={**bounds, "step": 1}), section)


def lower_select(node: Node, section: SectionBuilder) -> None:
    """One place of an axis, which disappears."""
    source = node.arguments["self"]
    axis = node.arguments["dim"] % len(section.section.dimensions[source.name])
    arrangement, place = _axis(source, axis, section)
    places = np.asarray(arrangement.places.take(int(node.arguments["index"]), axis=place))
    section.define(node, simplified(Arrangement(arrangement.parts, places, arrangement.pixels)), [source])


def _slice_pixels(node: Node, section: SectionBuilder, axis: int, start: Any, end: Any, step: Any) -> None:
    """Crop, and then take the largest of windows of one pixel: what a step leaves."""
    source = node.arguments["self"]
    size = section.shape(source.name)[1:][axis]
    before, after = _distance(start, size, 0), 0 if end is None else _distance(end, size, 1)
    if before is None or after is None or not isinstance(step, int):
        raise UnsupportedOperatorError(f"slices from {start} to {end}, which depends on the size of the image")
    edges = [0, 0, 0, 0]
    edges[axis], edges[axis + 2] = -before, -after
    lower_padding(node, section, source, (edges[0], edges[1], edges[2], edges[3]))
    if step > 1:
        stride = (step, 1) if axis == 0 else (1, step)
        section.map_tensors(
            node,
            "slice",
            Value(node.name),
            lambda output, tensor: FloatPool(output, tensor, mode="max", kernel=(1, 1), stride=stride),
        )


def _distance(bound: Any, size: str, side: int) -> int | None:
    """Return how many pixels a bound leaves out, at the start (side 0) or the end (side 1); None if that depends."""
    if isinstance(bound, int) and bound >= _ENDLESS:
        return 0
    if isinstance(bound, int) and bound < 0:
        return -bound if side == 1 else difference(size, str(-bound))
    distance = difference(str(bound), "0") if side == 0 else difference(size, str(bound))
    if distance is None or (side == 1 and isinstance(bound, int) and not size.isdigit()):
        return None
    return max(distance, 0)


def _axis(source: Value, axis: int, section: SectionBuilder) -> tuple[Arrangement, int]:
    """Return the arrangement of a value, and which of its axes is the value's ``axis``."""
    arrangement = _arrangement(source, section)
    if not 1 <= axis <= arrangement.places.ndim:
        raise UnsupportedOperatorError(f"divides axis {axis} of ({', '.join(section.section.dimensions[source.name])})")
    return arrangement, axis - 1


def _arrangement(source: Value, section: SectionBuilder) -> Arrangement:
    value = section.value(source)
    if isinstance(value, Arrangement):
        return value
    places = np.arange(sum(len(part.channels) for part in value))
    pixels = (1, 1) if len(section.section.dimensions[source.name]) == 2 else None
    return Arrangement(value, places, pixels)


def _with_pixels(arrangement: Arrangement, dimensions: tuple[str, ...]) -> Arrangement:
    """Return an arrangement that numbers the pixels, too; height and width must be known."""
    height, width = dimensions[-2:]
    if not (height.isdigit() and width.isdigit()):
        raise UnsupportedOperatorError(
            f"reshapes height and width, which depend on the image: ({', '.join(dimensions)}); a pool to a fixed size "
            f"before it is supported"
        )
    count = int(height) * int(width)
    pixels = np.arange(count).reshape(int(height), int(width))
    return Arrangement(
        arrangement.parts, arrangement.places[..., None, None] * count + pixels, (int(height), int(width))
    )
