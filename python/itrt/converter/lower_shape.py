"""Lowering of operators that move values: concatenation, zero padding, resampling, and those that do nothing."""

from __future__ import annotations

from itrt.converter.builder import Part, SectionBuilder, UnsupportedOperatorError
from itrt.converter.captured import Node
from itrt.converter.float_graph import FloatResize


def lower_cat(node: Node, section: SectionBuilder) -> None:
    """Remember the parts of a concatenation along the channels; convolutions sum over them."""
    if node.arguments["dim"] not in (1, -3):
        raise UnsupportedOperatorError(f"has dim {node.arguments['dim']}; 1 (channels) is supported")
    section.define(node, tuple(part for value in node.arguments["tensors"] for part in section.parts(value)))


def lower_pad(node: Node, section: SectionBuilder) -> None:
    """Remember zero padding until a convolution takes it."""
    pad = node.arguments["pad"]
    mode, value = node.arguments.get("mode", "constant"), node.arguments.get("value") or 0
    if mode != "constant" or value != 0 or len(pad) not in (2, 4) or any(amount < 0 for amount in pad):
        raise UnsupportedOperatorError(f"pads {pad} with mode {mode} and value {value}; zeros around are supported")
    left, right, top, bottom = (*pad, 0, 0)[:4]
    parts = []
    for part in section.parts(node.arguments["self"]):
        above, before, below, behind = part.padding
        parts.append(Part(part.tensor, (above + top, before + left, below + bottom, behind + right)))
    section.define(node, tuple(parts))


def lower_upsample_bilinear(node: Node, section: SectionBuilder) -> None:
    """Resample to the size of another tensor, half-pixel centres."""
    if node.arguments["align_corners"]:
        raise UnsupportedOperatorError("has align_corners=True; False is supported")
    factors = node.arguments.get("scale_factors") or ()
    if any(factor != int(factor) for factor in factors):
        raise UnsupportedOperatorError(f"has scale factors {factors}; give the size of a tensor instead")
    tensor = section.tensor(node.arguments["input"])
    _, height, width = section.shape(node.name)
    size_of = section.tensor_of_size(height, width)
    output = section.new_tensor(node, "resize")
    section.write(node, FloatResize(output, tensor, size_of))


def lower_getitem(node: Node, section: SectionBuilder) -> None:
    """Take the one result that matters of an operator with several (batch normalization)."""
    if node.arguments["index"] != 0:
        raise UnsupportedOperatorError(f"takes result {node.arguments['index']}; the first is supported")
    section.alias(node, node.arguments["input"])


def lower_identity(node: Node, section: SectionBuilder) -> None:
    """Do nothing: dropout in evaluation, clones, memory formats."""
    if node.arguments.get("train", False):
        raise UnsupportedOperatorError("drops values although the network is in evaluation mode")
    section.alias(node, node.arguments.get("self", node.arguments.get("input")))
