"""Lowering: the captured sections become the float graph, one function an operator.

Every operator that is not supported is collected, over all sections, and reported in one error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from itrt.converter import lower_linear, lower_pointwise, lower_shape
from itrt.converter.builder import IMAGE, STATE, PoisonedInputError, SectionBuilder, UnsupportedOperatorError
from itrt.converter.captured import CapturedNetwork, Node, Section
from itrt.converter.float_graph import FloatAdd, FloatGraph, FloatTensor
from itrt.errors import ConversionError

LOWERING: dict[str, Callable[[Node, SectionBuilder], None]] = {
    "aten.conv2d.default": lower_linear.lower_convolution,
    "aten.conv2d.padding": lower_linear.lower_convolution,
    "aten.convolution.default": lower_linear.lower_convolution,
    "aten.batch_norm.default": lower_linear.lower_batch_norm,
    "aten._native_batch_norm_legit_no_training.default": lower_linear.lower_batch_norm,
    "aten.relu.default": lower_pointwise.lower_relu,
    "aten.relu6.default": lower_pointwise.lower_relu6,
    "aten.hardtanh.default": lower_pointwise.lower_hardtanh,
    "aten.clamp.default": lower_pointwise.lower_clamp,
    "aten.clamp_min.default": lower_pointwise.lower_clamp,
    "aten.clamp_max.default": lower_pointwise.lower_clamp,
    "aten.add.Tensor": lower_pointwise.lower_add,
    "aten.sub.Tensor": lower_pointwise.lower_sub,
    "aten.cat.default": lower_shape.lower_cat,
    "aten.pad.default": lower_shape.lower_pad,
    "aten.constant_pad_nd.default": lower_shape.lower_pad,
    "aten.upsample_bilinear2d.vec": lower_shape.lower_upsample_bilinear,
    "getitem": lower_shape.lower_getitem,
    "aten.dropout.default": lower_shape.lower_identity,
    "aten.clone.default": lower_shape.lower_identity,
    "aten.contiguous.default": lower_shape.lower_identity,
    "aten.alias.default": lower_shape.lower_identity,
    "aten.detach.default": lower_shape.lower_identity,
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
