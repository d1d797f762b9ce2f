"""How large the graph of an ItNet is, and which width gives a network with separate weights an equal one.

Sizes are those of the converted int8 network at the size of the measured images, with one answer, after the last
iteration: a graph with an answer after every one would need further heads where it is unrolled.
"""

import tempfile
from bisect import bisect_left
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ablations.variants import Measure
from itrt.converter import convert
from itrt.errors import InvalidArgumentError
from itrt.nn import ItNet, ItNetSettings
from itrt.planner import GraphMeasures, load_workload
from itrt.planner import measure as measure_graph

_STEPS_OF_WIDTH = 192  # finer than one channel of any layer that is compared here


def graph_of(settings: ItNetSettings, height: int, width: int) -> GraphMeasures:
    """Return the measures of a network in the form that it has: looped, or unrolled with separate weights.

    Parameters
    ----------
    settings
        The network's structure; the values of its weights have no influence.
    height, width
        Of the image, in pixels.
    """
    if not settings.share_weights:
        # An unrolled graph is a looped one's block, repeated; the loop of one iteration is converted fastest.
        loop = replace(settings, share_weights=True, batch_norm="shared", iterations=1)
        return _forms(loop, height, width, settings.iterations)["unrolled, separate weights"]
    return _forms(settings, height, width, settings.iterations)["looped"]


def narrowed(settings: ItNetSettings, measure: Measure, target: int, height: int, width: int) -> ItNetSettings:
    """Return the settings with all channels scaled alike, so that a measure of the graph comes closest to a target.

    Parameters
    ----------
    settings
        The widest network that is considered.
    measure
        "parameters" or "graph_bytes".
    target
        What the measure shall be.
    height, width
        Of the image, in pixels.

    Raises
    ------
    InvalidArgumentError
        If the target is not between the narrowest network's measure and the widest one's.
    """

    def size(candidate: ItNetSettings) -> int:
        return int(getattr(graph_of(candidate, height, width), measure))

    candidates = [_scaled(settings, step / _STEPS_OF_WIDTH) for step in range(1, _STEPS_OF_WIDTH + 1)]
    candidates = list(dict.fromkeys(candidates))  # from the narrowest to the widest: no layer shrinks on the way
    if not size(candidates[0]) <= target <= size(candidates[-1]):
        raise InvalidArgumentError(
            f"{measure}: expected {size(candidates[0])} to {size(candidates[-1])}, what widths up to "
            f"{settings.channels} can reach, found a target of {target}"
        )
    above = max(bisect_left(candidates, target, key=size), 1)
    return min(candidates[above - 1 : above + 1], key=lambda candidate: abs(size(candidate) - target))


def _scaled(settings: ItNetSettings, share: float) -> ItNetSettings:
    high, middle, low, stem = (
        max(round(share * channels), 1) for channels in (*settings.channels, settings.stem_channels)
    )
    return replace(settings, channels=(high, middle, low), stem_channels=stem)


@lru_cache(maxsize=256)
def _forms(loop: ItNetSettings, height: int, width: int, iterations: int) -> dict[str, GraphMeasures]:
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(0)
        network = ItNet(loop)
        _tell_normalizations_apart(network)
    noise = np.random.default_rng(0).integers(0, 256, (32, 48, 3), dtype=np.uint8)
    classes = [str(index) for index in range(loop.classes)]
    with tempfile.TemporaryDirectory() as directory:
        program = convert(
            network, Path(directory) / "network.itrt", calibration=[noise], mean=(0.5,) * 3, std=(0.25,) * 3,
            classes=classes, parity_images=0,
        ).program  # fmt: skip
    return {form.form: form for form in measure_graph(load_workload(program, height, width, iterations, answers=1))}


def _tell_normalizations_apart(network: ItNet) -> None:
    """Give each batch normalization values of its own: what is equal at all steps, the converter stores once."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
