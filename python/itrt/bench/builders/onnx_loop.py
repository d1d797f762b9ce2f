"""ONNX Runtime with its Loop operator: stem, block and head are quantized by themselves and joined around one body.

The state keeps one scale and stays u8 between iterations; the block's weights are constants inside the body, where the
optimizer sees them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import onnx
import torch
from onnx import TensorProto, compose, helper
from torch import Tensor, nn

from itrt.bench.builders.deployed import at_image_size
from itrt.bench.builders.onnx_quantization import Feed, export, last_resize, quantize
from itrt.bench.subject import Size, Subject, normalized
from itrt.bench.workspace import Task
from itrt.errors import BenchmarkError
from itrt.nn import IterativeNetwork

_OPSET = 17


class _Stem(nn.Module):
    def __init__(self, network: IterativeNetwork):
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        return self.network.stem(image)


class _Block(nn.Module):
    def __init__(self, network: IterativeNetwork):
        super().__init__()
        self.network = network

    def forward(self, state: Tensor, features: Tensor) -> Tensor:
        return self.network.block(state, features, 0)


class _Head(nn.Module):
    def __init__(self, network: IterativeNetwork, size: Size):
        super().__init__()
        self.network = network
        self.size = size

    def forward(self, state: Tensor) -> Tensor:
        return at_image_size(self.network.head(state), *self.size).argmax(dim=1).to(torch.uint8)


def build(task: Task) -> dict[str, Any]:
    """The runner's arguments; the model is the same for every number of iterations.

    Raises BenchmarkError for a network that has no loop or whose iterations differ: a body has no parameters of its own
    a step.
    """
    subject, network = task.subject, task.subject.network
    if not isinstance(network, IterativeNetwork):
        raise BenchmarkError("ONNX Runtime's Loop: expected an iterative network, found none")
    if network.max_iterations is not None:
        raise BenchmarkError(
            "ONNX Runtime's Loop: expected a block that is the same in every iteration, "
            f"found one with parameters for each of {network.max_iterations}"
        )

    def write(directory: Path) -> None:
        _write(network, subject, task.size, directory)

    directory = task.built("onnx-loop", write)
    image = normalized(subject.image_of(task.size), subject.mean, subject.standard_deviation)
    return {
        "model": str(directory / "model.onnx"),
        "image": str(task.array_file("normalized", image)),
        "trip_count": task.iterations,
    }


def _write(network: IterativeNetwork, subject: Subject, size: Size, directory: Path) -> None:
    network.eval()
    images = [
        torch.from_numpy(normalized(image, subject.mean, subject.standard_deviation))
        for image in subject.calibration_of(size)
    ]
    with torch.no_grad():
        runs = [_states(network, image) for image in images]
    features = [states[0] for states in runs]
    state_range = _quantization([state for states in runs for state in states])
    fixed = {"features": _quantization(features), "state": state_range, "next": state_range}
    # The stem's output goes both ways: as features with their own scale, and as the first state.
    parts: dict[str, tuple[nn.Module, list[Tensor], list[str], str, Iterator[Feed]]] = {
        "stem": (_Stem(network), [images[0]], ["image"], "features", ({"image": image.numpy()} for image in images)),
        "block": (_Block(network), [features[0], features[0]], ["state", "features"], "next", _block_feeds(runs)),
        "head": (_Head(network, size), [features[0]], ["state"], "labels", _head_feeds(runs)),
    }
    for name, (module, example, inputs, output, feeds) in parts.items():
        exported = directory / f"float_{name}.onnx"
        export(module, example, inputs, output, exported)
        in_float = last_resize if name == "head" else lambda graph: ()
        own = {tensor: fixed[tensor] for tensor in (*inputs, output) if tensor in fixed}
        quantize(exported, directory / f"{name}.onnx", feeds, in_float, own)
    stem, block, head = (onnx.load(str(directory / f"{name}.onnx")) for name in parts)
    joined = _join(stem, block, head, fixed)
    onnx.checker.check_model(joined)
    onnx.save(joined, str(directory / "model.onnx"))


def _states(network: IterativeNetwork, image: Tensor) -> list[Tensor]:
    """The features and the state after every iteration the network was made for."""
    features = network.stem(image)
    states = [features]
    for step in range(network.iterations):
        states.append(network.block(states[-1], features, step))
    return states


def _block_feeds(runs: Sequence[Sequence[Tensor]]) -> Iterator[Feed]:
    for states in runs:
        for state in states[:-1]:
            yield {"state": state.numpy(), "features": states[0].numpy()}


def _head_feeds(runs: Sequence[Sequence[Tensor]]) -> Iterator[Feed]:
    for states in runs:
        for state in states[1:]:
            yield {"state": state.numpy()}


def _quantization(tensors: Sequence[Tensor]) -> tuple[float, int]:
    """Scale and zero point of u8 for these values and zero."""
    lowest = min(0.0, *(float(tensor.min()) for tensor in tensors))
    highest = max(0.0, *(float(tensor.max()) for tensor in tensors))
    scale = max(highest - lowest, 1e-8) / 255
    return scale, round(-lowest / scale)


def _join(
    stem: onnx.ModelProto, block: onnx.ModelProto, head: onnx.ModelProto, fixed: dict[str, tuple[float, int]]
) -> onnx.ModelProto:
    stem, block, head = (
        compose.add_prefix(model, f"{name}/") for model, name in ((stem, "stem"), (block, "block"), (head, "head"))
    )
    features = _u8_output(stem.graph, "stem/features")
    block_state, block_features = (_u8_input(block.graph, f"block/{name}") for name in ("state", "features"))
    next_state = _u8_output(block.graph, "block/next")
    head_state = _u8_input(head.graph, "head/state")
    constants = [
        *(
            helper.make_tensor(f"{name}_scale", TensorProto.FLOAT, [], [fixed[name][0]])
            for name in ("features", "state")
        ),
        *(
            helper.make_tensor(f"{name}_zero", TensorProto.UINT8, [], [fixed[name][1]])
            for name in ("features", "state")
        ),
        helper.make_tensor("always", TensorProto.BOOL, [], [True]),
    ]
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["always_in"], ["always_out"]),
            helper.make_node("Identity", [features], [block_features]),
            *block.graph.node,
        ],
        "body",
        [
            helper.make_tensor_value_info("step", TensorProto.INT64, []),
            helper.make_tensor_value_info("always_in", TensorProto.BOOL, []),
            helper.make_tensor_value_info(block_state, TensorProto.UINT8, None),
        ],
        [
            helper.make_tensor_value_info("always_out", TensorProto.BOOL, []),
            helper.make_tensor_value_info(next_state, TensorProto.UINT8, None),
        ],
        list(block.graph.initializer),
    )
    nodes = [
        *stem.graph.node,
        helper.make_node(
            "DequantizeLinear", [features, "features_scale", "features_zero"], ["first_real"], name="first/dequantize"
        ),
        helper.make_node(
            "QuantizeLinear", ["first_real", "state_scale", "state_zero"], ["first"], name="first/quantize"
        ),
        helper.make_node("Loop", ["iterations", "always", "first"], [head_state], name="loop", body=body),
        *head.graph.node,
    ]
    image = stem.graph.input[0]
    graph = helper.make_graph(
        [helper.make_node("Identity", ["image"], [image.name]), *nodes],
        "looped",
        [
            helper.make_tensor_value_info("image", TensorProto.FLOAT, _extents(image)),
            helper.make_tensor_value_info("iterations", TensorProto.INT64, []),
        ],
        list(head.graph.output),
        [*constants, *stem.graph.initializer, *head.graph.initializer],
    )
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=min(stem.ir_version, onnx.IR_VERSION)
    )


def _extents(value: onnx.ValueInfoProto) -> list[int]:
    return [dimension.dim_value for dimension in value.type.tensor_type.shape.dim]


def _u8_input(graph: onnx.GraphProto, name: str) -> str:
    """Take away the node that quantizes an input; return the u8 tensor that is the input instead."""
    removed = _remove(graph, [node for node in graph.node if name in node.input], "QuantizeLinear", name)
    return str(removed.output[0])


def _u8_output(graph: onnx.GraphProto, name: str) -> str:
    """Take away the node that dequantizes an output; return the u8 tensor that is the output instead."""
    removed = _remove(graph, [node for node in graph.node if name in node.output], "DequantizeLinear", name)
    return str(removed.input[0])


def _remove(graph: onnx.GraphProto, nodes: Sequence[onnx.NodeProto], kind: str, tensor: str) -> onnx.NodeProto:
    if [node.op_type for node in nodes] != [kind]:
        found = ", ".join(node.op_type for node in nodes) or "none"
        raise BenchmarkError(f"ONNX Runtime's Loop: expected one {kind} at {tensor}, found {found}")
    graph.node.remove(nodes[0])
    return nodes[0]
