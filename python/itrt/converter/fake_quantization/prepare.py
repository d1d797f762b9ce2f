"""`prepare`: a trained float network becomes one that is trained on with int8's roundings."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from itrt.converter import arguments
from itrt.converter.calibration import Calibrator
from itrt.converter.convert import DEFAULT_OBSERVER, lowered_graph
from itrt.converter.fake_quantization.network import FakeQuantizedNetwork
from itrt.converter.float_executor import FloatExecutor
from itrt.converter.folding import fold_normalization
from itrt.errors import InvalidArgumentError
from itrt.quantize import ObserverKind, Requantization


def prepare(
    network: nn.Module,
    *,
    calibration: Iterable[NDArray[np.uint8]] | None,
    mean: Sequence[float] = (0.0, 0.0, 0.0),
    std: Sequence[float] = (1.0, 1.0, 1.0),
    example_input: Tensor | None = None,
    observer: ObserverKind = DEFAULT_OBSERVER,
    requantize: Requantization = "float",
    progress: Callable[[int], None] | None = None,
) -> FakeQuantizedNetwork:
    """Return a network for quantization-aware training: it computes what the int8 program of ``network`` computes.

    Train it as any other, at a low learning rate, and pass it to `itrt.convert`, which needs no calibration then.

    Parameters
    ----------
    network
        Whatever `itrt.convert` takes, trained in float; it is not changed.
    calibration
        u8 (height, width, 3) RGB images from which the scales of activations start; any iterable, read once. None: a
        state dict of a network prepared from the same weights is loaded before the first run.
    mean, std, example_input, observer, requantize
        As of `itrt.convert`. With "pow2", weights learn what their powers of two miss.
    progress
        Called with the number of images that have been observed.

    Raises
    ------
    InvalidArgumentError, ConversionError
        As `itrt.convert`.
    """
    normalization = arguments.check_normalization(mean, std)
    arguments.check_network(network)
    if isinstance(network, FakeQuantizedNetwork):
        raise InvalidArgumentError("network: expected one in float, found one that was prepared before")
    arguments.check_example_input(example_input)
    arguments.check_observer(observer)
    arguments.check_requantization(requantize)
    samples = None if calibration is None else arguments.checked_samples(calibration, None)
    origin = copy.deepcopy(network).cpu().eval()
    graph = lowered_graph(origin, *normalization, example_input)
    if samples is None:
        return FakeQuantizedNetwork(graph, None, origin, requantize)
    folded = fold_normalization(graph)
    calibrator = Calibrator(folded, FloatExecutor(folded), observer)
    for index, (image, _) in enumerate(samples):
        calibrator.observe(image)
        if progress is not None:
            progress(index + 1)
    return FakeQuantizedNetwork(graph, calibrator.ranges(), origin, requantize)
