"""Lowering of resampling: bilinear and nearest, to a tensor's size, a constant one, or by a factor."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Literal

from itrt.converter.builder import SectionBuilder
from itrt.converter.captured import Node
from itrt.converter.float_operators import FloatResize
from itrt.converter.sizes import ratio
from itrt.converter.unsupported import UnsupportedOperatorError

_LARGEST_DENOMINATOR = 1024


def lower_upsample_bilinear(node: Node, section: SectionBuilder) -> None:
    """Resample with weights of the four neighbours."""
    _lower_resize(node, section, "bilinear", bool(node.arguments["align_corners"]))


def lower_upsample_nearest(node: Node, section: SectionBuilder) -> None:
    """Repeat or drop pixels."""
    _lower_resize(node, section, "nearest", False)


def _lower_resize(
    node: Node, section: SectionBuilder, mode: Literal["bilinear", "nearest"], align_corners: bool
) -> None:
    target = _target(node, section)
    section.map_tensors(
        node,
        "resize",
        node.arguments["input"],
        lambda output, tensor: FloatResize(output, tensor, mode=mode, align_corners=align_corners, **target),
    )


def _target(node: Node, section: SectionBuilder) -> dict[str, Any]:
    """Return the one of size_of, size and factor that says the result's size."""
    _, height, width = section.shape(node.name)
    if height.isdigit() and width.isdigit():
        return {"size": (int(height), int(width))}
    try:
        return {"size_of": section.tensor_of_size(height, width)}
    except UnsupportedOperatorError:
        factors = _factors(node, section)
        if factors is None:
            raise
        return {"factor": tuple((factor.numerator, factor.denominator) for factor in factors)}


def _factors(node: Node, section: SectionBuilder) -> tuple[Fraction, Fraction] | None:
    """Return by what the size is multiplied, (height, width); None if it is no fraction of the input's."""
    given = node.arguments.get("scale_factors")
    if given:
        down, across = (Fraction(factor).limit_denominator(_LARGEST_DENOMINATOR) for factor in (given[0], given[-1]))
        return down, across
    _, height, width = section.shape(node.name)
    _, own_height, own_width = section.shape(node.arguments["input"].name)
    vertical, horizontal = ratio(height, own_height), ratio(width, own_width)
    return None if vertical is None or horizontal is None else (vertical, horizontal)
