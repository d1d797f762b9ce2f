"""A convolution of the kernel benchmark as an ONNX model: QDQ, u8 activations, s8 weights a channel.

What goes in and out is channels last, as in itrt; a runtime that keeps another layout inside its networks cancels the
two transpositions or hides them in its own conversions. The scales of input and output are powers of two, so that a
single convolution has to give itrt's bytes.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from itrt.bench.problems import ConvolutionProblem

INPUT, OUTPUT = "input", "output"
INPUT_SCALE = 0.5  # a power of two, so that nothing is rounded
_OPSET = 19
_ROOT_MEAN_SQUARES = 147 * 73  # of bytes, and of weights
_DEVIATIONS = 4.5  # of a sum, that the 8 bits of a term of its own hold


class _Graph:
    """Nodes and constants; every method returns the name of its result."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def node(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        from onnx import helper

        result = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [result], name=result, **attributes))
        return result

    def constant(self, value: NDArray[Any]) -> str:
        from onnx import numpy_helper

        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(value, name))
        return name

    def quantize(self, value: str, scale: float, zero_point: int) -> str:
        """To u8."""
        return self.node("QuantizeLinear", [value, *self._u8(scale, zero_point)])

    def dequantize(self, value: str, scale: float, zero_point: int) -> str:
        """From u8."""
        return self.node("DequantizeLinear", [value, *self._u8(scale, zero_point)])

    def dequantized_constant(self, value: NDArray[Any], scale: NDArray[np.float32]) -> str:
        """A constant with a scale a channel."""
        zeros = self.constant(np.zeros(len(scale), value.dtype))
        return self.node("DequantizeLinear", [self.constant(value), self.constant(scale), zeros], axis=0)

    def _u8(self, scale: float, zero_point: int) -> list[str]:
        return [self.constant(np.array(scale, np.float32)), self.constant(np.array(zero_point, np.uint8))]


def build(problem: ConvolutionProblem, terms_in_8_bits: bool = True, float_input: bool = False) -> bytes:
    """The model: a convolution a term, and an addition where there are several.

    Args:
        problem: with a zero point of 0, as after a ReLU: peers pay for others.
        terms_in_8_bits: quantize each term of several before the addition, as quantizers do; else they stay float.
        float_input: take `INPUT_SCALE` times the bytes as float32 and quantize them, which is exact: OpenVINO computes
            in 8 bits only behind a quantization of its own.

    """
    from onnx import TensorProto, checker, helper

    graph = _Graph()
    shape = problem.shape
    input_type = TensorProto.FLOAT if float_input else TensorProto.UINT8
    source = graph.node("Transpose", [INPUT], perm=[0, 3, 1, 2])
    if float_input:
        source = graph.quantize(source, INPUT_SCALE, problem.zero_point)
    source = graph.dequantize(source, INPUT_SCALE, problem.zero_point)
    terms = [_term(graph, problem, index, source) for index in range(len(problem.weights))]
    if len(terms) > 1 and terms_in_8_bits:
        terms = [_through_8_bits(graph, problem, index, term) for index, term in enumerate(terms)]
    total = terms[0]
    for term in terms[1:]:
        total = graph.node("Add", [total, term])
    graph.node("Transpose", [graph.quantize(total, 1.0, problem.zero_point)], perm=[0, 2, 3, 1])
    graph.nodes[-1].output[0] = OUTPUT
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "one_operator",
            [helper.make_tensor_value_info(INPUT, input_type, (1, *problem.input.shape))],
            [helper.make_tensor_value_info(OUTPUT, TensorProto.UINT8, (1, *shape.output_shape))],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=9,
    )
    checker.check_model(model, full_check=True)
    serialized: bytes = model.SerializeToString()
    return serialized


def _term(graph: _Graph, problem: ConvolutionProblem, index: int, source: str) -> str:
    term = problem.shape.terms[index]
    weight = np.ascontiguousarray(problem.weights[index].transpose(0, 3, 1, 2))  # OHWI to OIHW
    inputs = [source, graph.dequantized_constant(weight, problem.scale / np.float32(INPUT_SCALE))]
    if index == 0:
        inputs.append(graph.dequantized_constant(problem.bias, problem.scale))
    return graph.node(
        "Conv",
        inputs,
        kernel_shape=[term.kernel] * 2,
        strides=[term.stride] * 2,
        pads=[term.padding] * 4,
        dilations=[term.dilation] * 2,
        group=term.groups,
    )


def _through_8_bits(graph: _Graph, problem: ConvolutionProblem, index: int, value: str) -> str:
    term = problem.shape.terms[index]
    products = term.taps * problem.shape.in_channels / term.groups
    scale = _DEVIATIONS * _ROOT_MEAN_SQUARES * sqrt(products) * float(problem.scale.max()) / 127
    return graph.dequantize(graph.quantize(value, scale, 128), scale, 128)
