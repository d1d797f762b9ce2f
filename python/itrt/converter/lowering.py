"""Lowering: the captured sections become the float graph, one function an operator.

Every operator that is not supported is collected, over all sections, and reported in one error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from itrt.converter import (
    lower_affine,
    lower_linear,
    lower_lookup,
    lower_pointwise,
    lower_pool,
    lower_resize,
    lower_shape,
    lower_transposed,
    lower_view,
)
from itrt.converter.builder import SectionBuilder
from itrt.converter.captured import CapturedNetwork, Node, Section
from itrt.converter.float_graph import FloatGraph, FloatTensor
from itrt.converter.float_operators import FloatAdd
from itrt.converter.section_graph import IMAGE
from itrt.converter.unsupported import PoisonedInputError, UnsupportedOperatorError
from itrt.errors import ConversionError

STATE = "state"

LOWERING: dict[str, Callable[[Node, SectionBuilder], None]] = {
    "aten.conv2d.default": lower_linear.lower_convolution,
    "aten.conv2d.padding": lower_linear.lower_convolution,
    "aten.linear.default": lower_linear.lower_linear,
    "aten.conv_transpose2d.input": lower_transposed.lower_transposed_convolution,
    "aten.batch_norm.default": lower_affine.lower_batch_norm,
    "aten._native_batch_norm_legit_no_training.default": lower_affine.lower_batch_norm,
    "aten.neg.default": lower_affine.lower_negation,
    "aten.div.Tensor": lower_affine.lower_division,
    "aten.div.Scalar": lower_affine.lower_division,
    "aten.relu.default": lower_pointwise.lower_relu,
    "aten.relu6.default": lower_pointwise.lower_relu6,
    "aten.hardtanh.default": lower_pointwise.lower_hardtanh,
    "aten.clamp.default": lower_pointwise.lower_clamp,
    "aten.clamp_min.default": lower_pointwise.lower_clamp,
    "aten.clamp_max.default": lower_pointwise.lower_clamp,
    "aten.add.Tensor": lower_pointwise.lower_add,
    "aten.add.Scalar": lower_pointwise.lower_add,
    "aten.sub.Tensor": lower_pointwise.lower_sub,
    "aten.sub.Scalar": lower_pointwise.lower_sub,
    "aten.rsub.Tensor": lower_pointwise.lower_reverse_sub,
    "aten.rsub.Scalar": lower_pointwise.lower_reverse_sub,
    "aten.mul.Tensor": lower_pointwise.lower_mul,
    "aten.mul.Scalar": lower_pointwise.lower_mul,
    "aten.expand.default": lower_pointwise.lower_expand,
    "aten.prelu.default": lower_lookup.lower_prelu,
    **dict.fromkeys(lower_lookup.FUNCTIONS, lower_lookup.lower_function),
    "aten.max_pool2d.default": lower_pool.lower_max_pool,
    "aten.max_pool2d_with_indices.default": lower_pool.lower_max_pool,
    "aten.avg_pool2d.default": lower_pool.lower_average_pool,
    "aten.adaptive_avg_pool2d.default": lower_pool.lower_adaptive_average_pool,
    "aten._adaptive_avg_pool2d.default": lower_pool.lower_adaptive_average_pool,
    "aten.mean.dim": lower_pool.lower_mean,
    "aten.upsample_bilinear2d.vec": lower_resize.lower_upsample_bilinear,
    "aten.upsample_nearest2d.vec": lower_resize.lower_upsample_nearest,
    "aten.cat.default": lower_shape.lower_cat,
    "aten.pad.default": lower_shape.lower_pad,
    "aten.constant_pad_nd.default": lower_shape.lower_pad,
    "aten.pixel_shuffle.default": lower_shape.lower_pixel_shuffle,
    "getitem": lower_shape.lower_getitem,
    "aten.dropout.default": lower_shape.lower_identity,
    "aten.feature_dropout.default": lower_shape.lower_identity,
    "aten.alpha_dropout.default": lower_shape.lower_identity,
    "aten.clone.default": lower_shape.lower_identity,
    "aten.contiguous.default": lower_shape.lower_identity,
    "aten.alias.default": lower_shape.lower_identity,
    "aten.detach.default": lower_shape.lower_identity,
    "aten.view.default": lower_view.lower_reshape,
    "aten._unsafe_view.default": lower_view.lower_reshape,
    "aten.reshape.default": lower_view.lower_reshape,
    "aten.flatten.using_ints": lower_view.lower_reshape,
    "aten.squeeze.default": lower_view.lower_reshape,
    "aten.squeeze.dim": lower_view.lower_reshape,
    "aten.squeeze.dims": lower_view.lower_reshape,
    "aten.unsqueeze.default": lower_view.lower_reshape,
    "aten.transpose.int": lower_view.lower_permute,
    "aten.permute.default": lower_view.lower_permute,
    "aten.chunk.default": lower_view.lower_split,
    "aten.split.Tensor": lower_view.lower_split,
    "aten.split_with_sizes.default": lower_view.lower_split,
    "aten.slice.Tensor": lower_view.lower_slice,
    "aten.narrow.default": lower_view.lower_narrow,
    "aten.select.int": lower_view.lower_select,
}


@dataclass(frozen=True)
class _Complaint:
    """One operator that cannot be converted, and where it stands in the module tree."""

    operator: str
    reason: str
    place: str


def lower(network: CapturedNetwork, mean: tuple[float, ...], std: tuple[float, ...]) -> FloatGraph:
    """Turn captured sections into a float graph; normalization is not folded yet (see `folding`).

    Raises
    ------
    ConversionError
        If any operator is not supported: names each, its place and the number of times, or if the block changes
        the state's shape.
    """
    complaints: list[_Complaint] = []
    tensors = {IMAGE: FloatTensor(IMAGE, len(mean))}
    stem, features = _lower_section(network.stem, tensors, {"image": IMAGE}, complaints)
    if network.block is None:
        features = stem.before_labels(features)
    graph = FloatGraph(
        tensors=tensors,
        image=IMAGE,
        state=None,
        next_state=None,
        logits=features,
        stem=tuple(stem.operators.values()),
        block=(),
        head=(),
        mean=mean,
        std=std,
        iterations=network.iterations,
        max_iterations=network.max_iterations,
        steps=network.steps,
    )
    if network.block is not None and network.head is not None:
        channels, *_ = network.stem.shapes[network.stem.output]
        tensors[STATE] = FloatTensor(STATE, channels)
        # The features first: where a size is wanted, theirs is known outside the loop, too.
        inputs = {"features": features, "state": STATE}
        _check_state(network.block, channels)
        block, next_state = _lower_section(network.block, tensors, inputs, complaints)
        head, logits = _lower_section(network.head, tensors, {"state": STATE}, complaints)
        graph = replace(
            graph,
            state=STATE,
            next_state=next_state,
            logits=logits,
            stem=(*graph.stem, FloatAdd(STATE, (features,), (1.0,))),
            block=tuple(block.operators.values()),
            head=tuple(head.operators.values()),
        )
    if complaints:
        raise ConversionError(_message(complaints))
    return graph


def _lower_section(
    section: Section, tensors: dict[str, FloatTensor], inputs: dict[str, str], complaints: list[_Complaint]
) -> tuple[SectionBuilder, str]:
    """Return the section's builder, filled, and the tensor of its result."""
    builder = SectionBuilder(section, tensors, inputs)
    for node in section.nodes:
        function = LOWERING.get(node.operator)
        place = f"{section.name}, module {node.path}" if node.path else section.name
        try:
            if function is None:
                raise UnsupportedOperatorError("")
            function(node, builder)
        except UnsupportedOperatorError as error:
            complaints.append(_Complaint(node.operator, str(error), place))
        except PoisonedInputError:
            pass
    try:
        return builder, builder.output()
    except UnsupportedOperatorError as error:
        complaints.append(_Complaint("result", str(error), section.name))
    except PoisonedInputError:
        pass
    return builder, IMAGE  # a stand-in: the complaints raise in the end


def _check_state(block: Section, channels: int) -> None:
    expected = (channels, "height", "width")
    found = block.shapes[block.output]
    if found != expected:
        raise ConversionError(f"block: expected a result of the state's shape {expected}, found {found}")


def _message(complaints: list[_Complaint]) -> str:
    lines = []
    kinds = Counter((complaint.operator, complaint.reason) for complaint in complaints)
    for (operator, reason), count in kinds.items():
        places = Counter(c.place for c in complaints if (c.operator, c.reason) == (operator, reason))
        listed = "; ".join(place if times == 1 else f"{place} ({times} times)" for place, times in places.items())
        lines.append(f"  {operator}{' ' + reason if reason else ''}: {count} in {listed}")
    return "operators that cannot be converted:\n" + "\n".join(lines)
