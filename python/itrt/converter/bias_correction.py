"""Bias correction: what rounded weights add to the mean of a convolution's result is taken from its shift.

After Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction" (arXiv 1906.04721,
section 4.2): weights w' = w + e give E[w' x] = E[w x] + e E[x], an error that is the same for all pixels of a channel
and therefore goes through everything that follows. There, E[x] is derived from batch normalization; here it is
measured, for each step of its own, because weights are shared and activations are not. Only running means are needed:
images are seen once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from itrt.converter.channel_statistics import TermKey
from itrt.converter.convolution_constants import (
    InputQuantization,
    QuantizedKernel,
    image_quantization,
    quantize_kernels,
)
from itrt.converter.float_graph import FloatGraph
from itrt.converter.float_operators import FloatConstant, FloatConvolution, FloatOperator, FloatTerm
from itrt.converter.folding import input_channels
from itrt.quantize import ActivationParameters, Requantization

Float64Array = NDArray[np.float64]
Means = Mapping[TermKey, tuple[Float64Array, ...]]


def with_corrected_bias(
    graph: FloatGraph,
    parameters: Mapping[str, ActivationParameters],
    means: Means,
    requantization: Requantization = "float",
) -> FloatGraph:
    """Return a graph whose quantization has the means of the float graph in every convolution's sum.

    Parameters
    ----------
    parameters, requantization
        What the graph will be quantized with.
    means
        Of the inputs' windows (`WindowMeans.means`).
    """
    image = image_quantization(graph.mean)

    def source(name: str) -> InputQuantization:
        return image if name == graph.image else InputQuantization(parameters[name].scale)

    def correct(operator: FloatOperator, by_step: bool) -> FloatOperator:
        if not isinstance(operator, FloatConvolution):
            return operator
        inputs = [source(name) for name in operator.inputs]
        kernels = quantize_kernels(operator, inputs, parameters[operator.output].scale, requantization)
        return _corrected(operator, inputs, kernels, means, by_step)

    # A network that runs any number of iterations has one shift for all of them: its means are over all steps.
    by_step = graph.max_iterations is not None and graph.state is not None
    return replace(
        graph,
        stem=tuple(correct(operator, False) for operator in graph.stem),
        block=tuple(correct(operator, by_step) for operator in graph.block),
        head=tuple(correct(operator, by_step) for operator in graph.head),
    )


def rescaled_means(graph: FloatGraph, means: Means, factors: Mapping[str, Float64Array]) -> Means:
    """Return the means of inputs whose channels are divided by factors (`equalization.rescaled`)."""
    inputs = {op.output: op.inputs for op in graph.operators if isinstance(op, FloatConvolution)}
    return {
        (output, place): tuple(mean / factors.get(inputs[output][place], 1.0) for mean in by_step)
        for (output, place), by_step in means.items()
    }


def _corrected(
    operator: FloatConvolution,
    inputs: list[InputQuantization],
    quantized: tuple[list[FloatConstant], list[QuantizedKernel], FloatConstant],
    means: Means,
    by_step: bool,
) -> FloatConvolution:
    kernels, weights, scales = quantized
    errors = []
    steps = len(means[operator.output, 0])
    for step in range(steps):
        total = np.zeros(len(operator.gain.at(step)))
        for place, (term, kernel, weight) in enumerate(zip(operator.terms, kernels, weights, strict=True)):
            rounding = weight.at(step) * scales.at(step)[:, None, None, None] - kernel.at(step)
            total += _mean_of_sum(term, rounding, _stored_mean(means[operator.output, place][step], inputs[place]))
        errors.append(total)
    if not by_step:
        errors = [np.mean(errors, axis=0)]
    count = max(len(errors), len(operator.shift.values))
    shifts = [
        operator.shift.at(step) - operator.gain.at(step) * errors[step if len(errors) > 1 else 0]
        for step in range(count)
    ]
    return replace(operator, shift=FloatConstant(tuple(shifts)))


def _stored_mean(mean: Float64Array, source: InputQuantization) -> Float64Array:
    """Return the mean in units of the stored values, from their zero points."""
    return (mean - (0.0 if source.excess is None else source.excess)) / source.scale


def _mean_of_sum(term: FloatTerm, weight: Float64Array, mean: Float64Array) -> Float64Array:
    """Return the mean over all windows of the sum with these weights, (out,)."""
    windows = mean[:, :, input_channels(term)].transpose(2, 0, 1, 3)  # as weights: (out, height, width, in / groups)
    total: Float64Array = (weight * windows).sum(axis=(1, 2, 3))
    return total
