"""Equalization: which channels go together, that float results stay, and that spread ranges are made good."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from itrt.converter.channel_statistics import ChannelRanges
from itrt.converter.channel_ties import KEPT, channel_classes
from itrt.converter.convert import Conversion, convert, float_graph
from itrt.converter.equalization import equalization_factors, rescaled
from itrt.converter.factor_text import factors_from_text, factors_to_text
from itrt.converter.float_executor import FloatExecutor
from itrt.converter.float_graph import FloatGraph
from itrt.converter.float_operators import FloatOperator
from itrt.errors import InvalidArgumentError, ModelFileError
from reference.networks import MEAN, STD, SpreadNetwork, normalized, random_image, tiny_network

IMAGES = [random_image(40, 48, seed=seed) for seed in range(3)]


def factors_of(graph: FloatGraph) -> dict[str, np.ndarray]:
    ranges = ChannelRanges()
    for image in IMAGES:
        FloatExecutor(graph).run(image, graph.steps, ranges.see)
    return equalization_factors(graph, ranges.largest())


def together(graph: FloatGraph) -> set[frozenset[str]]:
    """Return the sets of tensors of which some channels have one factor; those that keep theirs are left out."""
    members: dict[int, set[str]] = {}
    for name, numbers in channel_classes(graph).items():
        for number in numbers[numbers != KEPT]:
            members.setdefault(int(number), set()).add(name)
    return {frozenset(names) for names in members.values()}


@pytest.fixture(scope="module")
def looped() -> FloatGraph:
    return float_graph(tiny_network(2, norms=2), MEAN, STD)


@pytest.fixture(scope="module")
def spread() -> FloatGraph:
    return float_graph(SpreadNetwork(8.0).eval(), MEAN, STD)


def tensors_of(graph: FloatGraph) -> tuple[dict[tuple[str, int | None], Tensor], list[Tensor]]:
    """Return every tensor of every step, and the logits."""
    found: dict[tuple[str, int | None], Tensor] = {}

    def visit(operator: FloatOperator, step: int | None, tensors: Mapping[str, Tensor]) -> None:
        found[operator.output, step] = tensors[operator.output]

    return found, FloatExecutor(graph).run(IMAGES[0], graph.steps, visit)


@pytest.mark.parametrize("name", ["spread", "looped", "ties"])
def test_float_results_stay_and_every_channel_is_divided(name: str, request: pytest.FixtureRequest) -> None:
    graph: FloatGraph = request.getfixturevalue(name)
    factors = factors_of(graph)
    assert factors
    before, plain = tensors_of(graph)
    after, scaled = tensors_of(rescaled(graph, factors))
    for expected, found in zip(plain, scaled, strict=True):
        assert torch.allclose(expected, found, rtol=1e-4, atol=1e-5 * float(expected.abs().max()))
    for key, values in before.items():
        factor = torch.from_numpy(factors.get(key[0], np.ones(values.shape[1]))).float().view(1, -1, 1, 1)
        expected = values / factor
        assert torch.allclose(expected, after[key], rtol=1e-4, atol=1e-5 * float(expected.abs().max()))


def test_the_state_and_its_successor_go_together_and_so_do_summands(looped: FloatGraph, spread: FloatGraph) -> None:
    assert together(looped) == {frozenset({"stem.first", "state", "block.mix"})}
    sets = together(spread)
    assert {frozenset({"stem.first"}), frozenset({"stem.depthwise"})} < sets
    (summed,) = (names for names in sets if "stem.mix" in names)
    assert {"stem.mix", "stem.refine"} < summed
    assert all(name not in names for names in sets for name in ("image", "stem.last"))


class Ties(nn.Module):
    """Operators that a factor passes, and those that it does not."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.gate = nn.Conv2d(8, 8, 1)
        self.clamped = nn.Conv2d(8, 8, 1)
        self.shuffled = nn.Conv2d(8, 8, 3, padding=1)
        self.space = nn.Conv2d(8, 32, 1)
        self.last = nn.Conv2d(8, 4, 1)

    def forward(self, image: Tensor) -> Tensor:
        features = self.first(image).relu()
        gated = features * self.gate(features).sigmoid()
        clamped = functional.relu6(self.clamped(gated))
        halves = self.shuffled(clamped).relu().chunk(2, dim=1)
        pooled = functional.max_pool2d(torch.cat(halves[::-1], dim=1), 2)
        space = functional.pixel_shuffle(self.space(pooled), 2)
        return self.last(space.relu() + pooled.mean(dim=(2, 3), keepdim=True))


@pytest.fixture(scope="module")
def ties() -> FloatGraph:
    torch.manual_seed(0)
    return float_graph(Ties().eval(), MEAN, STD)


def test_tables_and_clamps_keep_their_channels_and_what_is_copied_goes_together(ties: FloatGraph) -> None:
    classes = channel_classes(ties)
    kept = {name for name, numbers in classes.items() if (numbers == KEPT).all()}
    assert kept == {"image", "stem.gate", "stem.sigmoid", "stem.clamped", "stem.last"}
    (multiplied,) = (name for name in classes if "mul" in name)
    assert np.array_equal(classes[multiplied], classes["stem.first"])
    # The channels of the halves change places on the way to the sum.
    (added,) = (name for name in classes if "add" in name)
    assert np.array_equal(classes[added], np.roll(classes["stem.shuffled"], 4))
    # Four channels of the convolution become the four pixels of one channel.
    assert np.array_equal(np.bincount(classes["stem.space"])[classes[added]], np.full(8, 4))


def snr_of_logits(conversion: Conversion) -> float:
    assert conversion.parity is not None
    logits = conversion.program.tensors[conversion.program.logits].name
    return min(row.snr_db for row in conversion.parity.tensors if row.tensor == logits)


def test_spread_ranges_are_made_good_and_auto_finds_out(tmp_path: Path) -> None:
    found = {}
    for octaves in (0.0, 12.0):
        for choice in ("off", "auto"):
            conversion = convert(
                SpreadNetwork(octaves).eval(), tmp_path / "spread.itrt", calibration=iter(IMAGES), mean=MEAN, std=STD,
                equalize=choice, correct_bias="off",
            )  # fmt: skip
            found[octaves, choice] = snr_of_logits(conversion)
            assert conversion.parity is not None
            rows = conversion.parity.variants
            assert len(rows) == (2 if choice == "auto" else 0)
            if choice == "auto":
                kept = next(row for row in rows if row.chosen)
                assert kept.snr_db == pytest.approx(found[octaves, choice], abs=1e-6)
                assert kept.equalized == ("equalization" in conversion.program.metadata)
                assert kept.snr_db >= max(row.snr_db for row in rows) - 0.1
    image = normalized(IMAGES[0])
    with torch.no_grad():
        assert torch.allclose(SpreadNetwork(0.0)(image), SpreadNetwork(12.0)(image), atol=1e-4)
    assert found[12.0, "off"] < found[0.0, "off"] - 10.0
    assert found[12.0, "auto"] > found[12.0, "off"] + 10.0
    assert found[12.0, "auto"] > found[0.0, "off"] - 3.0


def test_channels_without_values_and_networks_without_free_channels(tmp_path: Path) -> None:
    network = SpreadNetwork(0.0).eval()
    assert network.first.bias is not None
    with torch.no_grad():
        network.first.bias[2] = -1e6  # behind the ReLU, always zero
    factors = factors_of(float_graph(network, MEAN, STD))
    assert factors
    assert all(np.isfinite(values).all() and (values > 0.0).all() for values in factors.values())
    one = nn.Conv2d(3, 2, 1)
    conversion = convert(one, tmp_path / "one.itrt", calibration=IMAGES, equalize="on", correct_bias="off")
    assert conversion.program.metadata == {"observer": "mse"}


def test_factors_are_text_in_the_file_and_back() -> None:
    factors = {"a": np.exp2(np.arange(-64, 65) / 4), "b": np.ones(3)}
    found = factors_from_text(factors_to_text(factors))
    assert found.keys() == factors.keys()
    assert all(np.array_equal(found[name], factors[name]) for name in factors)
    assert factors_from_text(None) == {}
    for text in ("", "no", "eJwrAQA=", factors_to_text(factors)[:-8], "é"):
        with pytest.raises(ModelFileError, match="metadata equalization: expected factors of channels"):
            factors_from_text(text)


def test_choices_are_checked(tmp_path: Path) -> None:
    for option in ("equalize", "correct_bias"):
        with pytest.raises(InvalidArgumentError, match=f"{option}: expected one of auto, on, off, found 'yes'"):
            convert(nn.Conv2d(3, 2, 1), tmp_path / "a.itrt", calibration=IMAGES, **{option: "yes"})  # type: ignore[arg-type]
