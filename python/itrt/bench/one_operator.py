"""A convolution of the kernel benchmark as an ONNX model: QDQ, u8 activations, s8 weights a channel.

What goes in and out is channels last, as in itrt; a runtime that keeps another layout inside its networks cancels the
two transpositions or hides them in its own conversions. The scales of input and output are powers of two, so that a
single convolution has to give itrt's bytes.
"""

from __future__ import annotations

from math import sqrt

import numpy as np

from itrt.bench.problems import ConvolutionProblem
from itrt.export.graph import Graph

INPUT, OUTPUT = "input", "output"
INPUT_SCALE = 0.5  # a power of two, so that nothing is rounded
_ROOT_MEAN_SQUARES = 147 * 73  # of bytes, and of weights
_DEVIATIONS = 4.5  # of a sum, that the 8 bits of a term of its own hold


def build(problem: ConvolutionProblem, terms_in_8_bits: bool = True, float_input: bool = False) -> bytes:
    """The model: a convolution a term, and an addition where there are several.

    Args:
        problem: with a zero point of 0, as after a ReLU: peers pay for others.
        terms_in_8_bits: quantize each term of several before the addition, as quantizers do; else they stay float.
        float_input: take `INPUT_SCALE` times the bytes as float32 and quantize them, which is exact: OpenVINO computes
            in 8 bits only behind a quantization of its own.

    """
    from onnx import TensorProto, helper

    graph = Graph()
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
    graph.node("Transpose", [graph.quantize(total, 1.0, problem.zero_point)], OUTPUT, perm=[0, 2, 3, 1])
    return graph.model(
        "one_operator",
        [helper.make_tensor_value_info(INPUT, input_type, (1, *problem.input.shape))],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.UINT8, (1, *shape.output_shape))],
    )


def _term(graph: Graph, problem: ConvolutionProblem, index: int, source: str) -> str:
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


def _through_8_bits(graph: Graph, problem: ConvolutionProblem, index: int, value: str) -> str:
    term = problem.shape.terms[index]
    products = term.taps * problem.shape.in_channels / term.groups
    scale = _DEVIATIONS * _ROOT_MEAN_SQUARES * sqrt(products) * float(problem.scale.max()) / 127
    return graph.dequantize(graph.quantize(value, scale, 128), scale, 128)
