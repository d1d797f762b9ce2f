"""An ONNX graph while it grows: nodes, constants, and the operators between 8 bits and reals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

OPSET = 19
IR_VERSION = 9  # what opset 19 came with: ONNX Runtime reads both since 1.16


class Graph:
    """Every method that adds something returns the name of its result.

    Attributes
    ----------
    scope
        The beginning of the names of nodes that are added from now on.
    """

    def __init__(self) -> None:
        self.scope = ""
        self._nodes: list[Any] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._initializers: list[Any] = []

    def node(self, kind: str, inputs: Sequence[str], result: str | None = None, **attributes: Any) -> str:
        """Add an operator of one result, which gets a name of its own unless it has one."""
        from onnx import helper

        name = f"{self.scope}{kind.lower()}_{len(self._nodes)}"
        result = result or name
        self._nodes.append(helper.make_node(kind, list(inputs), [result], name=name, **attributes))
        return result

    def constant(self, value: NDArray[Any], name: str = "constant") -> str:
        """Add a constant; equal ones are one, so that unrolled iterations share their weights."""
        from onnx import numpy_helper

        value = np.ascontiguousarray(value).reshape(value.shape)  # the first makes a vector of a scalar
        key = (value.dtype.str, value.shape, value.tobytes())
        if key not in self._constants:
            self._constants[key] = f"{name}_{len(self._constants)}"
            self._initializers.append(numpy_helper.from_array(value, self._constants[key]))
        return self._constants[key]

    def quantize(self, value: str, scale: float, zero_point: int) -> str:
        """To u8."""
        return self.node("QuantizeLinear", [value, *self._u8(scale, zero_point)])

    def dequantize(self, value: str, scale: float, zero_point: int) -> str:
        """From u8."""
        return self.node("DequantizeLinear", [value, *self._u8(scale, zero_point)])

    def dequantized_constant(self, value: NDArray[Any], scale: NDArray[np.float32], name: str = "constant") -> str:
        """A constant with a scale a channel, of its first axis."""
        zeros = self.constant(np.zeros(len(scale), value.dtype))
        inputs = [self.constant(value, name), self.constant(scale, f"{name}_scale"), zeros]
        return self.node("DequantizeLinear", inputs, axis=0)

    def _u8(self, scale: float, zero_point: int) -> list[str]:
        return [self.constant(np.array(scale, np.float32)), self.constant(np.array(zero_point, np.uint8))]

    def model(
        self, name: str, inputs: Sequence[Any], outputs: Sequence[Any], metadata: Mapping[str, str] | None = None
    ) -> bytes:
        """Return the checked model's bytes; inputs and outputs are ONNX's ValueInfoProto."""
        from onnx import checker, helper

        found = helper.make_model(
            helper.make_graph(self._nodes, name, list(inputs), list(outputs), self._initializers),
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="itrt",
        )
        helper.set_model_props(found, dict(metadata or {}))
        checker.check_model(found, full_check=True)
        serialized: bytes = found.SerializeToString()
        return serialized
