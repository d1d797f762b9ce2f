"""The measured graph is that of the network that is trained; the search finds the closest width there is."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from ablations import widths
from ablations.variants import Measure
from ablations.widths import graph_of, narrowed
from itrt.converter import convert
from itrt.errors import InvalidArgumentError
from itrt.nn import ItNet, ItNetSettings
from itrt.planner import GraphMeasures, load_workload, measure

SHARED = ItNetSettings(classes=5, channels=(6, 8, 10), stem_channels=4, iterations=2)
SEPARATE = dataclasses.replace(SHARED, share_weights=False)


def converted(settings: ItNetSettings, directory: Path) -> dict[str, GraphMeasures]:
    """Measure a network by converting it as it is, with random values everywhere."""
    torch.manual_seed(1)
    network = ItNet(settings)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 2.0)
            nn.init.uniform_(module.bias, -1.0, 1.0)
    program = convert(
        network, directory / "network.itrt", calibration=[np.full((40, 56, 3), 128, np.uint8)], mean=(0.4,) * 3,
        std=(0.2,) * 3, classes=list("abcde"), parity_images=0,
    ).program  # fmt: skip
    return {form.form: form for form in measure(load_workload(program, 50, 66, settings.iterations, answers=1))}


def test_a_loop_is_measured_as_it_is_converted(tmp_path: Path) -> None:
    expected = converted(SHARED, tmp_path)["looped"]
    assert graph_of(SHARED, 50, 66) == expected
    shared_norm = dataclasses.replace(SHARED, batch_norm="shared")
    assert graph_of(shared_norm, 50, 66).weight_bytes < expected.weight_bytes  # two vectors a layer instead of four


def test_separate_weights_are_measured_as_the_network_that_has_them(tmp_path: Path) -> None:
    found = graph_of(SEPARATE, 50, 66)
    assert found.form == "unrolled, separate weights"
    assert found == converted(SEPARATE, tmp_path)["unrolled, separate weights"]


@pytest.mark.parametrize("measure", ["parameters", "graph_bytes"])
def test_the_search_finds_the_closest_of_all_widths(measure: Measure, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def size(settings: ItNetSettings, height: int, width: int) -> GraphMeasures:
        asked.append(settings)
        value = sum(settings.channels) ** 2 + settings.stem_channels  # any measure that grows with all channels
        return dataclasses.replace(BLANK, **{measure: value} if measure == "parameters" else {"weight_bytes": value})

    monkeypatch.setattr(widths, "graph_of", size)
    wide = dataclasses.replace(SEPARATE, channels=(24, 36, 48), stem_channels=12)
    for target in (100, 2500, 3000, 11000):
        found = narrowed(wide, measure, target, 50, 66)
        reachable = {
            sum(channels[:3]) ** 2 + channels[3]
            for step in range(1, 193)
            if (channels := [max(round(full * step / 192), 1) for full in (24, 36, 48, 12)])
        }
        value = sum(found.channels) ** 2 + found.stem_channels
        assert abs(value - target) == min(abs(other - target) for other in reachable)
    assert len(asked) < 4 * 20  # by bisection


def test_a_target_out_of_reach_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def size(settings: ItNetSettings, height: int, width: int) -> GraphMeasures:
        return dataclasses.replace(BLANK, parameters=1000 * sum(settings.channels))

    monkeypatch.setattr(widths, "graph_of", size)
    with pytest.raises(InvalidArgumentError, match=r"parameters: expected 3000 to 24000, .* a target of 10000000"):
        narrowed(SEPARATE, "parameters", 10_000_000, 50, 66)


BLANK = GraphMeasures(
    network="", form="looped", height=1, width=1, iterations=1, answers=1, parameters=0, macs=0, weight_bytes=0,
    held_activation_bytes=0, peak_activation_bytes=0,
)  # fmt: skip
