"""Lowering of pooling: maxima and averages of windows, and averages of everything."""

from __future__ import annotations

from typing import Any, Literal

from itrt.converter.builder import SectionBuilder
from itrt.converter.captured import Node, Value
from itrt.converter.float_operators import FloatAdaptivePool, FloatPool
from itrt.converter.lower_linear import pair
from itrt.converter.unsupported import UnsupportedOperatorError


def lower_max_pool(node: Node, section: SectionBuilder) -> None:
    """Take the largest value of each window."""
    _lower_windows(node, section, "max", dilation=pair(node.arguments["dilation"]))


def lower_average_pool(node: Node, section: SectionBuilder) -> None:
    """Take the average of each window."""
    arguments = node.arguments
    if arguments.get("divisor_override") is not None:
        raise UnsupportedOperatorError(f"has divisor_override={arguments['divisor_override']}; None is supported")
    _lower_windows(node, section, "average", count_padding=bool(arguments["count_include_pad"]))


def _lower_windows(node: Node, section: SectionBuilder, mode: Literal["max", "average"], **own: Any) -> None:
    """Make a pool with what both kinds have, and what a kind has of its own."""
    arguments = node.arguments
    kernel = pair(arguments["kernel_size"])
    stride = pair(arguments["stride"]) if arguments["stride"] else kernel
    padding, ceil = pair(arguments["padding"]), bool(arguments["ceil_mode"])
    section.map_tensors(
        node,
        f"{mode}_pool",
        arguments["self"],
        lambda output, tensor: FloatPool(
            output, tensor, mode=mode, kernel=kernel, stride=stride, padding=padding, ceil=ceil, **own
        ),
    )


def lower_adaptive_average_pool(node: Node, section: SectionBuilder) -> None:
    """Average windows that divide the image into a fixed number of parts."""
    _lower_adaptive(node, section, node.arguments["self"], pair(node.arguments["output_size"]))


def lower_mean(node: Node, section: SectionBuilder) -> None:
    """Average over height and width."""
    source = node.arguments["self"]
    dimensions = node.arguments["dim"]
    rank = len(section.section.dimensions[source.name])
    if rank != 4 or dimensions is None or {dimension % rank for dimension in dimensions} != {2, 3}:
        raise UnsupportedOperatorError(f"averages over dimensions {dimensions}; (2, 3) of 4 is supported")
    _lower_adaptive(node, section, source, (1, 1))


def _lower_adaptive(node: Node, section: SectionBuilder, source: Any, size: tuple[int, int]) -> None:
    if isinstance(source, Value) and section.shape(source.name)[1:] == (str(size[0]), str(size[1])):
        section.alias(node, source)
        return
    section.map_tensors(node, "average_pool", source, lambda output, tensor: FloatAdaptivePool(output, tensor, size))
