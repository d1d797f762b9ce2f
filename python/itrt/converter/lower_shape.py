"""Lowering of operators that move values between channels and pixels, and of those that do nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from itrt.converter.builder import SectionBuilder
from itrt.converter.captured import Node
from itrt.converter.float_operators import FloatConvolution, FloatDepthToSpace, FloatPad, combine
from itrt.converter.sizes import difference
from itrt.converter.unsupported import UnsupportedOperatorError
from itrt.converter.values import Edges, joined, padded, selected


def lower_cat(node: Node, section: SectionBuilder) -> None:
    """Remember the parts of a concatenation along the channels; convolutions sum over them."""
    rank = len(section.section.dimensions[node.name])
    if node.arguments["dim"] % rank != 1:
        raise UnsupportedOperatorError(f"has dim {node.arguments['dim']}; 1 (channels) is supported")
    tensors = node.arguments["tensors"]
    section.define(node, joined(part for value in tensors for part in section.parts(value)), tensors)


def lower_pad(node: Node, section: SectionBuilder) -> None:
    """Remember zero padding and crops until an operator needs them done; reflection and repetition are done at once."""
    source = node.arguments["self"]
    mode, value = node.arguments.get("mode", "constant"), node.arguments.get("value") or 0
    edges = _edges(node.arguments["pad"])
    if mode == "constant" and value == 0:
        lower_padding(node, section, source, edges)
    elif mode in ("reflect", "replicate"):
        section.map_tensors(node, "pad", source, lambda output, tensor: FloatPad(output, tensor, edges, mode))
    else:
        raise UnsupportedOperatorError(
            f"pads with mode {mode} and value {value}; zeros, reflect and replicate are supported"
        )


def lower_padding(node: Node, section: SectionBuilder, source: Any, edges: Edges) -> None:
    """Let the node's result be a value with zeros around it, or cropped."""
    parts = []
    for part in section.parts(source):
        found = padded(part, edges)
        if found is None:
            copied = replace(part, tensor=section.copies.padded(part, source), padding=(0, 0, 0, 0))
            found = padded(copied, edges)
        assert found is not None
        parts.append(found)
    section.define(node, parts, [source])


def _edges(pad: Any) -> Edges:
    """Return (top, left, bottom, right) of torch's (left, right, top, bottom)."""
    amounts = [difference(str(amount), "0") for amount in pad]
    if len(pad) not in (2, 4) or any(amount is None for amount in amounts):
        raise UnsupportedOperatorError(f"pads by {pad}; numbers that do not depend on the image are supported")
    left, right, top, bottom = (*(amount or 0 for amount in amounts), 0, 0)[:4]
    return top, left, bottom, right


def lower_pixel_shuffle(node: Node, section: SectionBuilder) -> None:
    """Place channels beside each other; torch has a channel's phases together, depth to space a phase's channels."""
    source, factor = node.arguments["self"], int(node.arguments["upscale_factor"])
    channels = section.shape(node.name)[0]
    order = np.arange(channels * factor**2).reshape(channels, -1).T.reshape(-1)
    (first, *rest) = section.sources(source)
    convolution = first.operator
    permuted = None
    if not rest and isinstance(convolution, FloatConvolution) and convolution.output == first.tensor:
        permuted = _permuted(convolution, order)
    if permuted is None:
        tensor = section.copies.whole_tensor(selected(section.parts(source), order.tolist()), source)
    else:
        tensor = section.append(permuted).tensor
    output = section.new_tensor(node, "depth_to_space")
    section.write(node, FloatDepthToSpace(output, tensor, (factor, factor)))


def _permuted(operator: FloatConvolution, order: Any) -> FloatConvolution | None:
    """Return a convolution whose output channels stand in another order; None if it has groups."""
    if any(term.groups > 1 for term in operator.terms):
        return None
    terms = tuple(replace(term, weight=combine(lambda w: w[order], term.weight)) for term in operator.terms)
    gain, shift = (combine(lambda v: v[order], vector) for vector in (operator.gain, operator.shift))
    return replace(operator, terms=terms, gain=gain, shift=shift)


def lower_getitem(node: Node, section: SectionBuilder) -> None:
    """Take one result of an operator that has several."""
    source = node.arguments["input"]
    section.define(node, section.result(source, node.arguments["index"]), [source])


def lower_identity(node: Node, section: SectionBuilder) -> None:
    """Do nothing: dropout in evaluation, clones, memory formats."""
    if node.arguments.get("train", False):
        raise UnsupportedOperatorError("drops values although the network is in evaluation mode")
    section.alias(node, node.arguments.get("self", node.arguments.get("input")))
