"""`itrt train --quantized`, and `itrt convert` of what it leaves, without calibration."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from itrt import load
from itrt.converter import convert_checkpoint
from itrt.errors import CheckpointError, InvalidArgumentError
from itrt.nn import ItNet, ItNetSettings, load_weights
from itrt.quantize import prepare
from itrt.train import (
    Metadata,
    Recipe,
    SegmentationData,
    StepReport,
    load_network,
    save_network,
    synthetic_data,
    train,
    write_synthetic,
)
from itrt.train.checkpoint import load_prepared, read_checkpoint
from itrt.train.validation import normalize
from reference.networks import MEAN, STD, randomize_norms, tiny_network

SETTINGS = ItNetSettings(classes=11, channels=(4, 4, 4), stem_channels=4, iterations=1, block="context", dilations=(1,))
RECIPE = Recipe(epochs=2, batch_size=2, crop=(32, 48), learning_rate=1e-3, average_decay=0.5)


@pytest.fixture(scope="module")
def data() -> SegmentationData:
    return synthetic_data(train=4, validation=1, height=32, width=48)


def metadata(data: SegmentationData) -> Metadata:
    return Metadata(data.class_names, data.palette, data.ignore_index, RECIPE.mean, RECIPE.standard_deviation)


@pytest.fixture
def directory(data: SegmentationData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory: a data set, and a network that stands for one trained in float."""
    monkeypatch.chdir(tmp_path)
    write_synthetic(tmp_path / "camvid", data)
    torch.manual_seed(0)
    network = ItNet(SETTINGS)
    randomize_norms(network)
    save_network("float.pt", network, metadata(data))
    return tmp_path


def test_a_checkpoint_is_trained_further_and_converted(itrt: Callable, directory: Path, data: SegmentationData) -> None:
    sizes = ["--batch-size", "2", "--crop", "32", "48", "--scale", "1", "1"]
    options = ["--data", "camvid", "--output", "run", "--epochs", "1", "--learning-rate", "1e-3", *sizes]
    outcome = itrt("train", *options, "--start-from", "float.pt", "--quantized")
    assert outcome.exit_code == 0, outcome.stderr
    assert "val mIoU" in outcome.stdout
    outcome = itrt("convert", "run/network.pt", "-o", "a.itrt")
    assert outcome.exit_code == 0, outcome.stderr

    stored = load_prepared("run/network.pt")
    assert stored is not None
    made = prepare(stored.origin, calibration=None, mean=RECIPE.mean, std=RECIPE.standard_deviation)
    load_weights(made, stored.weights, source="run/network.pt")
    assert float(made.scales.log2_ratio.detach().abs().max()) > 0.0
    float_weights = load_network("float.pt")[0].state_dict()
    assert all(torch.equal(value, float_weights[name]) for name, value in stored.origin.state_dict().items())
    (image,) = data.validation.images
    (logits,) = made(normalize(torch.from_numpy(image)[None], RECIPE.mean, RECIPE.standard_deviation).double())
    assert np.array_equal(logits[0].detach().float().numpy(), load("a.itrt").run(image).logits())

    outcome = itrt("train", *options, "--start-from", "run/network.pt", "--quantized")
    assert outcome.exit_code != 0
    assert "expected a network in float, found one of quantization-aware training" in outcome.stderr


def test_a_training_is_resumed_exactly(directory: Path, data: SegmentationData) -> None:
    class InterruptedTrainingError(Exception):
        pass

    def interrupt(report: object) -> None:
        if isinstance(report, StepReport) and report.epoch == 2:
            raise InterruptedTrainingError

    network, _ = load_network("float.pt")
    prepared = prepare(network, calibration=data.train.images, mean=RECIPE.mean, std=RECIPE.standard_deviation)
    initial = {name: value.clone() for name, value in prepared.state_dict().items()}
    train(RECIPE, data, "whole", network=prepared)
    prepared.load_state_dict(initial)
    with pytest.raises(InterruptedTrainingError):
        train(RECIPE, data, "parts", interrupt, network=prepared)
    prepared.load_state_dict(initial)
    train(RECIPE, data, "parts", network=prepared, resume=True)
    whole, parts = (read_checkpoint(f"{run}/network.pt")["weights"] for run in ("whole", "parts"))
    assert whole.keys() == parts.keys()
    assert all(torch.equal(value, parts[name]) for name, value in whole.items())
    assert not all(torch.equal(value, initial[name]) for name, value in whole.items())


def test_a_checkpoint_of_a_network_of_ones_own(directory: Path, data: SegmentationData) -> None:
    network = tiny_network(2, norms=2)
    described = Metadata(tuple("abcde"), tuple((index, 0, 0) for index in range(5)), 255, MEAN, STD)
    prepared = prepare(network, calibration=data.train.images, mean=MEAN, std=STD)
    save_network("own.pt", prepared, described)
    with pytest.raises(CheckpointError, match=r"own.pt: expected an ItNet, found a TinyNetwork"):
        convert_checkpoint("own.pt", "own.itrt")
    program = convert_checkpoint("own.pt", "own.itrt", network=tiny_network(2, norms=2)).program
    assert (program.classes, program.preprocessing.mean) == (described.class_names, MEAN)
    with pytest.raises(CheckpointError, match=r"own.pt: expected the weights of this Conv2d"):
        convert_checkpoint("own.pt", "other.itrt", network=torch.nn.Conv2d(3, 4, 1))


def test_what_is_missing_is_named(itrt: Callable, directory: Path) -> None:
    outcome = itrt("train", "--data", "camvid", "--output", "run", "--quantized")
    assert "--quantized: expected --start-from, a network trained in float, found none" in outcome.stderr
    outcome = itrt("convert", "-o", "a.itrt", "--model", "torch.nn:Identity")
    assert "--calibrate: expected images for a network of --model, found none" in outcome.stderr
    with pytest.raises(InvalidArgumentError, match="calibration: expected images, found None"):
        convert_checkpoint("float.pt", "a.itrt")
    assert not Path("run").exists()
    assert not Path("a.itrt").exists()
