"""Constants that several nodes read, and one for each of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def with_copied_weights(exported: bytes) -> bytes:
    """Return a model in which no two nodes read one s8 constant: as many weights as there are iterations.

    ONNX Runtime replaces s8 by u8 where a session's "x64quantprecision" asks for it, and refuses what is shared.
    """
    import onnx

    model = onnx.load_model_from_string(exported)
    constants = {constant.name: constant for constant in model.graph.initializer}
    seen: set[str] = set()
    for node, place in _readers(model.graph):
        constant = constants.get(node.input[place])
        if constant is None or constant.data_type != onnx.TensorProto.INT8:
            continue
        if constant.name in seen:
            copy = model.graph.initializer.add()
            copy.CopyFrom(constant)
            copy.name = f"{constant.name}.{node.name}"
            node.input[place] = copy.name
        seen.add(constant.name)
    serialized: bytes = model.SerializeToString()
    return serialized


def _readers(graph: Any) -> Iterator[tuple[Any, int]]:
    """Every node with the place of every input."""
    return ((node, place) for node in graph.node for place in range(len(node.input)))
