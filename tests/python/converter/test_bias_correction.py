"""Bias correction: sums of quantized convolutions have float's means, step by step, at borders and strides, too."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from itrt.converter.bias_correction import rescaled_means, with_corrected_bias
from itrt.converter.calibration import Calibrator, observe
from itrt.converter.channel_statistics import WindowMeans
from itrt.converter.convert import float_graph
from itrt.converter.float_executor import FloatExecutor
from itrt.converter.float_graph import FloatGraph
from itrt.converter.float_operators import FloatConstant, FloatConvolution, FloatOperator, FloatTerm
from itrt.converter.quantization import activation_parameters_of, quantize_graph
from itrt.format import Constant, Convolution
from reference.networks import MEAN, STD, SpreadNetwork, random_image, tiny_network

IMAGES = [random_image(40, 48, seed=1), random_image(33, 51, seed=2)]


def statistics(graph: FloatGraph) -> tuple[dict[str, tuple[float, float]], WindowMeans]:
    executor = FloatExecutor(graph)
    calibrator, means = Calibrator(graph, executor, "minmax"), WindowMeans()
    for image in IMAGES:
        observe(image, graph, executor, [calibrator.see, means.see])
    return calibrator.ranges(), means


def mean_errors(graph: FloatGraph, source: FloatGraph, ranges: dict[str, tuple[float, float]]) -> list[float]:
    """Return how far means of results before the clamp are off, in float's standard deviations, at worst a channel.

    Weights and vectors are those that ``source`` quantizes to; inputs are float's, so nothing else is rounded.
    """
    quantized = quantize_graph(source, ranges)
    sections = quantized.stem, quantized.block, quantized.head
    integers = {op.name: op for section in sections for op in section if isinstance(op, Convolution)}
    offset = 255.0 * torch.tensor(graph.mean) - torch.tensor(
        quantized.tensors[quantized.index(graph.image)].zero_points
    )
    differences: dict[tuple[str, int | None], list[Tensor]] = {}
    deviations: dict[tuple[str, int | None], list[Tensor]] = {}

    def visit(operator: FloatOperator, step: int | None, tensors: Mapping[str, Tensor]) -> None:
        if not isinstance(operator, FloatConvolution):
            return
        integer, at = integers[operator.output], step or 0
        expected = found = torch.zeros((), dtype=torch.float64)
        for term, stored in zip(operator.terms, integer.terms, strict=True):
            x = tensors[term.input].double()
            in_units = (
                x + offset.view(1, 3, 1, 1) if term.input == graph.image else x / quantized.tensors[stored.input].scale
            )
            expected = expected + convolved(term, x, term.weight.at(at))
            found = found + convolved(term, in_units, stored.weight.at(at))
        expected = expected * vector(operator.gain, at) + vector(operator.shift, at)
        found = (found + vector(integer.bias, at)) * vector(integer.scale, at) * quantized.tensors[integer.output].scale
        differences.setdefault((operator.output, step), []).append((found - expected)[0].flatten(1))
        deviations.setdefault((operator.output, step), []).append(expected[0].flatten(1))

    for image in IMAGES:
        FloatExecutor(graph).run(image, graph.steps, visit)
    return [
        float(torch.cat(found, dim=1).mean(dim=1).abs().max() / torch.cat(deviations[key], dim=1).std())
        for key, found in differences.items()
    ]


def convolved(term: FloatTerm, x: Tensor, weight: NDArray[np.generic]) -> Tensor:
    top, left, bottom, right = term.padding
    kernel = torch.from_numpy(weight.astype(np.float64)).permute(0, 3, 1, 2)
    padded = functional.pad(x, (left, right, top, bottom))
    return functional.conv2d(padded, kernel, None, term.stride, 0, term.dilation, term.groups)


def vector(constant: FloatConstant | Constant, step: int) -> Tensor:
    return torch.from_numpy(constant.at(step).astype(np.float64)).view(1, -1, 1, 1)


@pytest.mark.parametrize(
    "make", [lambda: SpreadNetwork(4.0).eval(), lambda: tiny_network(2, norms=2)], ids=["plain", "by step"]
)
def test_means_of_sums_are_those_of_float(make: Callable[[], nn.Module]) -> None:
    graph = float_graph(make(), MEAN, STD)
    ranges, means = statistics(graph)
    before = mean_errors(graph, graph, ranges)
    after = mean_errors(graph, with_corrected_bias(graph, activation_parameters_of(ranges), means.means()), ranges)
    assert max(before) > 1e-3
    # What is left is the rounding of biases and scales, and of the image's zero points, at its borders.
    assert max(after) < max(before) / 5.0
    assert sum(after) < sum(before) / 20.0


def test_a_network_of_any_number_of_iterations_keeps_one_bias() -> None:
    graph = float_graph(tiny_network(3), MEAN, STD)
    ranges, means = statistics(graph)
    assert {len(values) for (name, _), values in means.means().items() if name.startswith("block")} == {3}
    corrected = with_corrected_bias(graph, activation_parameters_of(ranges), means.means())
    assert corrected.max_iterations is None
    assert all(len(constant.values) == 1 for operator in corrected.operators for constant in operator.constants)


def test_means_of_rescaled_channels() -> None:
    graph = float_graph(tiny_network(1), MEAN, STD)
    _, means = statistics(graph)
    factors = {"stem.first": np.arange(1.0, 7.0)}
    scaled = rescaled_means(graph, means.means(), factors)
    for key, values in means.means().items():
        inputs = next(op.inputs for op in graph.operators if op.output == key[0])
        divisor = factors.get(inputs[key[1]], 1.0)
        assert all(np.allclose(a / divisor, b) for a, b in zip(values, scaled[key], strict=True))
