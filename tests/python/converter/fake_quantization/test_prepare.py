"""`itrt.quantize.prepare`: its arguments, state dicts, and what `convert` makes of a prepared network."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import itrt.quantize
from itrt.converter import FakeQuantizedNetwork, convert
from itrt.errors import ConversionError, InvalidArgumentError
from itrt.format import to_bytes
from itrt.quantize import prepare
from reference.networks import MEAN, STD, TinyNetwork, normalized, random_image, tiny_network

IMAGES = [random_image(24, 32, seed=1), random_image(21, 37, seed=2)]


@pytest.fixture(scope="module")
def network() -> TinyNetwork:
    return tiny_network(2, norms=2)


@pytest.fixture(scope="module")
def prepared(network: TinyNetwork) -> FakeQuantizedNetwork:
    made = prepare(network, calibration=IMAGES, mean=MEAN, std=STD)
    with torch.no_grad():
        made.scales.log2_ratio.fill_(0.25)
    return made


def test_parameters_are_shared_by_iterations_or_one_each(prepared: FakeQuantizedNetwork) -> None:
    assert {name: tuple(parameter.shape) for name, parameter in prepared.constants.named_parameters()} == {
        "stem/first/weight0": (6, 3, 3, 3),
        "stem/first/gain": (6,),
        "stem/first/shift": (6,),
        "block/mix/weight0": (6, 3, 3, 6),
        "block/mix/weight1": (6, 3, 3, 6),
        "block/mix/gain/0": (6,),
        "block/mix/gain/1": (6,),
        "block/mix/shift/0": (6,),
        "block/mix/shift/1": (6,),
        "head/last/weight0": (5, 1, 1, 6),
        "head/last/gain": (5,),
        "head/last/shift": (5,),
    }
    assert all(parameter.dtype == torch.float64 for parameter in prepared.parameters())


def test_weights_are_as_large_as_the_networks_own(network: TinyNetwork, prepared: FakeQuantizedNetwork) -> None:
    """The image's normalization is not in them: one learning rate suits all."""
    found = prepared.constants.get_parameter("stem/first/weight0").permute(0, 3, 1, 2)
    assert torch.equal(found, network.first.weight.double())


def test_a_state_dict_goes_into_a_network_prepared_without_images(
    network: TinyNetwork, prepared: FakeQuantizedNetwork, tmp_path: Path
) -> None:
    torch.save(prepared.state_dict(), tmp_path / "trained.pt")
    other = prepare(network, calibration=None, mean=MEAN, std=STD)
    image = normalized(IMAGES[0])
    with pytest.raises(InvalidArgumentError, match="scales: expected finite numbers"):
        other(image)
    other.load_state_dict(torch.load(tmp_path / "trained.pt", weights_only=True))
    assert all(torch.equal(a, b) for a, b in zip(other(image), prepared(image), strict=True))
    first, second = (convert(made, tmp_path / f"{i}.itrt", name="a").path for i, made in enumerate((prepared, other)))
    assert first.read_bytes() == second.read_bytes()


def test_a_copy_is_a_network_of_its_own(prepared: FakeQuantizedNetwork) -> None:
    image = normalized(IMAGES[0])
    made = copy.deepcopy(prepared)
    before = prepared(image)[-1]
    assert torch.equal(made(image)[-1], before)
    with torch.no_grad():
        made.constants.get_parameter("head/last/shift").add_(1.0)
    assert not torch.equal(made(image)[-1], before)
    assert torch.equal(prepared(image)[-1], before)


def test_untrained_it_converts_to_the_same_file(network: TinyNetwork, tmp_path: Path) -> None:
    before = copy.deepcopy(network.state_dict())
    made = prepare(network, calibration=IMAGES, mean=MEAN, std=STD)
    converted = [
        convert(network, tmp_path / "a.itrt", calibration=IMAGES, mean=MEAN, std=STD, parity_images=0).program,
        convert(made, tmp_path / "a.itrt", metadata={"origin": "prepared"}).program,
    ]
    assert [p.metadata for p in converted] == [{"observer": "mse"}, {"origin": "prepared", "observer": "trained"}]
    first, second = (to_bytes(replace(program, metadata={})) for program in converted)
    assert first == second
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_images_are_for_the_report_alone(prepared: FakeQuantizedNetwork, tmp_path: Path) -> None:
    labels = [np.zeros(image.shape[:2], np.uint8) for image in IMAGES]
    without = convert(prepared, tmp_path / "a.itrt").path.read_bytes()
    conversion = convert(prepared, tmp_path / "a.itrt", calibration=IMAGES, labels=labels, mean=MEAN, std=STD)
    assert conversion.path.read_bytes() == without
    assert conversion.parity is not None
    assert conversion.parity.images == 2
    assert conversion.parity.iterations[-1].int8_miou is not None


def test_a_network_without_a_loop_has_one_answer() -> None:
    plain = nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.ReLU(), nn.Conv2d(4, 2, 1))
    made = prepare(plain, calibration=IMAGES)
    assert (made.iterations, made.max_iterations) == (1, 1)
    (logits,) = made(torch.rand(2, 3, 16, 24))
    assert logits.shape == (2, 2, 8, 12)
    with pytest.raises(InvalidArgumentError, match="iterations: .* expected 1 to 1, found 2"):
        made(torch.rand(1, 3, 16, 24), 2)


@pytest.mark.parametrize(
    ("image", "found"),
    [
        (torch.zeros(1, 3, 8, 8, dtype=torch.uint8), r"torch.uint8 \(1, 3, 8, 8\)"),
        (torch.zeros(1, 3, 8, 8, dtype=torch.float16), r"torch.float16"),
        (torch.zeros(3, 8, 8), r"torch.float32 \(3, 8, 8\)"),
        (torch.zeros(1, 1, 8, 8), r"torch.float32 \(1, 1, 8, 8\)"),
    ],
)
def test_images_of_other_types_and_shapes(prepared: FakeQuantizedNetwork, image: torch.Tensor, found: str) -> None:
    with pytest.raises(InvalidArgumentError, match=rf"image: expected float32 or float64 \(N, 3, .* found {found}"):
        prepared(image)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"calibration": []}, InvalidArgumentError, "calibration: expected at least one image, found none"),
        ({"calibration": ["a.png"]}, InvalidArgumentError, "calibration image 0: .* found str"),
        ({"mean": (0.5,)}, InvalidArgumentError, "mean: expected 3 finite numbers"),
        ({"std": (0.0, 1.0, 1.0)}, InvalidArgumentError, "std: expected positive numbers"),
        ({"observer": "entropy"}, InvalidArgumentError, "observer: expected one of minmax, percentile, mse"),
        ({"network": nn.Sequential(nn.Conv2d(3, 4, 1), nn.Softmax2d())}, ConversionError, "aten.softmax.int"),
        ({"network": "a network"}, InvalidArgumentError, "network: expected a torch.nn.Module, found str"),
    ],
)
def test_wrong_arguments_are_explained(changes: dict[str, Any], error: type[Exception], message: str) -> None:
    arguments = {"network": nn.Conv2d(3, 4, 1), "calibration": IMAGES, **changes}
    with pytest.raises(error, match=message):
        prepare(arguments.pop("network"), **arguments)


def test_a_network_is_prepared_once(prepared: FakeQuantizedNetwork) -> None:
    with pytest.raises(InvalidArgumentError, match="network: expected one in float, found one that was prepared"):
        prepare(prepared, calibration=IMAGES)


def poison(network: FakeQuantizedNetwork) -> None:
    network.constants.get_parameter("block/mix/weight0")[1, 2, 0, 3] = torch.nan


def unscale(network: FakeQuantizedNetwork) -> None:
    network.scales.log2_ratio.fill_(torch.inf)


@pytest.mark.parametrize(
    ("spoil", "arguments", "error", "message"),
    [
        (poison, {}, ConversionError, r"expected finite weights, .* constants\.block/mix/weight0$"),
        (unscale, {}, ConversionError, r"expected finite weights, .* scales\.log2_ratio$"),
        (
            lambda network: None,
            {"mean": (0.1, 0.2, 0.3)},
            InvalidArgumentError,
            "mean, std: expected those of the prepared",
        ),
        (lambda network: None, {"classes": 4}, InvalidArgumentError, "classes: expected 5 names"),
    ],
)
def test_what_does_not_convert_leaves_no_file(
    prepared: FakeQuantizedNetwork,
    spoil: Callable[[FakeQuantizedNetwork], None],
    arguments: dict[str, Any],
    error: type[Exception],
    message: str,
    tmp_path: Path,
) -> None:
    spoiled = copy.deepcopy(prepared)
    with torch.no_grad():
        spoil(spoiled)
    with pytest.raises(error, match=message):
        convert(spoiled, tmp_path / "a.itrt", **arguments)
    assert list(tmp_path.iterdir()) == []


def test_other_networks_need_images(network: TinyNetwork, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="calibration: expected images, found None: only a prepared network"):
        convert(network, tmp_path / "a.itrt")


def test_quantize_names_the_converters(network: TinyNetwork) -> None:
    assert itrt.quantize.FakeQuantizedNetwork is FakeQuantizedNetwork
    with pytest.raises(AttributeError, match="no attribute 'prepared'"):
        itrt.quantize.prepared  # noqa: B018
