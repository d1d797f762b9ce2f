"""The loop: it learns, resumes exactly, and its checkpoints refuse what is not theirs."""

import csv
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from typer.testing import CliRunner

from itrt.cli.app import app
from itrt.errors import CheckpointError, InvalidArgumentError, ItrtError, MissingFileError
from itrt.metrics import ConfusionMatrix
from itrt.nn import AnytimeNetwork, IterativeNetwork, ItNet, ItNetSettings
from itrt.train import (
    EpochReport,
    ImageSet,
    Metadata,
    Recipe,
    SegmentationData,
    load_network,
    save_network,
    synthetic_data,
    train,
)
from itrt.train.checkpoint import read_checkpoint
from itrt.train.loop import StepReport
from itrt.train.validation import autocast_pays, evaluate

SETTINGS = ItNetSettings(channels=(8, 8, 8), stem_channels=8, iterations=2)
RECIPE = Recipe(epochs=3, batch_size=4, crop=(32, 48), validate_every=2)


@pytest.fixture(scope="module")
def data() -> SegmentationData:
    return synthetic_data(train=8, validation=2, height=48, width=64)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Tiny tensors gain nothing from threads, and spinning ones slow the neighbours."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class InterruptedTrainingError(Exception):
    pass


def flat(content: dict[str, Any]) -> dict[str, Tensor]:
    """The tensors of a checkpoint, by their path in it."""
    return {
        torch.utils._pytree.keystr(path): value
        for path, value in torch.utils._pytree.tree_flatten_with_path(content)[0]
        if isinstance(value, Tensor)
    }


def rows(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


def evaluate_as_trained(
    network: AnytimeNetwork, images: ImageSet, normalization: Metadata | Recipe
) -> list[ConfusionMatrix]:
    """What a training measures on this machine: in bfloat16 where that is fast."""
    cpu = torch.device("cpu")
    mean, deviation = normalization.mean, normalization.standard_deviation
    return evaluate(network, images, 11, 11, mean, deviation, cpu, autocast_pays(cpu))


def test_training_learns_and_writes_its_files(tmp_path: Path, data: SegmentationData) -> None:
    reports: list[EpochReport | StepReport] = []
    recipe = dataclasses.replace(RECIPE, epochs=12, batch_size=2, learning_rate=1e-2, validate_every=5)
    trained = train(recipe, data, tmp_path / "new" / "run", reports.append, network=SETTINGS)
    epochs = [report for report in reports if isinstance(report, EpochReport)]
    assert [report.epoch for report in epochs] == list(range(1, 13))
    assert len(reports) - len(epochs) == 12 * 4
    assert epochs[-1].loss < 0.85 * epochs[0].loss
    assert [len(report.validation_miou) for report in epochs] == [0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0, 2]
    output = tmp_path / "new" / "run"
    assert sorted(path.name for path in output.iterdir()) == ["best.pt", "checkpoint.pt", "log.csv", "network.pt"]
    log = rows(output / "log.csv")
    assert list(log[0]) == ["epoch", "loss", "learning_rate", "seconds", "val_miou_1", "val_miou_2"]
    assert float(log[-1]["val_miou_2"]) == pytest.approx(epochs[-1].validation_miou[-1], abs=1e-4)
    network, metadata = load_network(output / "network.pt")
    assert not network.training
    assert network.settings == SETTINGS
    assert metadata.class_names == data.class_names
    assert metadata.palette == data.palette
    assert (metadata.mean, metadata.standard_deviation) == (recipe.mean, recipe.standard_deviation)
    assert metadata.epoch == 12
    assert Recipe(**metadata.recipe) == recipe
    image = torch.rand(1, 3, 40, 56)
    torch.testing.assert_close(network(image)[-1], trained(image)[-1])  # not equal: another memory format
    matrices = evaluate_as_trained(network, data.validation, metadata)
    assert tuple(m.mean_iou() for m in matrices) == pytest.approx(epochs[-1].validation_miou)
    assert metadata.validation_miou == epochs[-1].validation_miou


STRONG = dataclasses.replace(
    RECIPE, light=0.5, blur=0.5, noise=0.5, class_crop=0.5, paste=0.5, schedule="trapezoid", average_decay=0.9
)


@pytest.mark.parametrize("recipe", [RECIPE, STRONG], ids=["plain", "strong"])
@pytest.mark.parametrize("interrupt_at_step", [False, True])
def test_resuming_is_bit_identical(
    tmp_path: Path, data: SegmentationData, recipe: Recipe, interrupt_at_step: bool
) -> None:
    whole = train(recipe, data, tmp_path / "whole", network=SETTINGS)

    def interrupt(report: EpochReport | StepReport) -> None:
        if interrupt_at_step and isinstance(report, StepReport) and (report.epoch, report.step) == (3, 1):
            raise InterruptedTrainingError
        if not interrupt_at_step and isinstance(report, EpochReport) and report.epoch == 1:
            raise InterruptedTrainingError

    with pytest.raises(InterruptedTrainingError):
        train(recipe, data, tmp_path / "parts", interrupt, network=SETTINGS)
    assert not (tmp_path / "parts" / "network.pt").exists()
    torch.rand(7)  # whatever the process draws in between
    resumed = train(recipe, data, tmp_path / "parts", network=SETTINGS, resume=True)
    for (name, expected), found in zip(whole.state_dict().items(), resumed.state_dict().values(), strict=True):
        assert found.equal(expected), name
    logs = [rows(tmp_path / run / "log.csv") for run in ("whole", "parts")]
    assert [{**row, "seconds": ""} for row in logs[0]] == [{**row, "seconds": ""} for row in logs[1]]
    # The state that the next epoch would start from, not only the network that comes out.
    states = [flat(read_checkpoint(tmp_path / run / "checkpoint.pt")) for run in ("whole", "parts")]
    assert states[0].keys() == states[1].keys()
    for name, value in states[0].items():
        assert states[1][name].equal(value), name


def test_the_average_is_what_is_written_and_measured(tmp_path: Path, data: SegmentationData) -> None:
    trained = train(STRONG, data, tmp_path, network=SETTINGS)
    content = read_checkpoint(tmp_path / "checkpoint.pt")
    last = content["training"]["average"]["last_weights"]
    assert content["training"]["average"]["steps"] == 3 * 2
    for name, value in trained.state_dict().items():
        assert content["weights"][name].equal(value), name
    assert not last["classifier.weight"].equal(trained.state_dict()["classifier.weight"])
    network, metadata = load_network(tmp_path / "network.pt")
    assert network.classifier.weight.equal(trained.classifier.weight)
    matrices = evaluate_as_trained(network, data.validation, metadata)
    assert tuple(m.mean_iou() for m in matrices) == pytest.approx(metadata.validation_miou)


def test_more_epochs_extend_a_trapezoid_that_has_not_cooled_down(tmp_path: Path, data: SegmentationData) -> None:
    recipe = dataclasses.replace(STRONG, epochs=8, cooldown=0.25)

    def interrupt(report: EpochReport | StepReport) -> None:
        if isinstance(report, EpochReport) and report.epoch == 2:
            raise InterruptedTrainingError

    with pytest.raises(InterruptedTrainingError):
        train(dataclasses.replace(recipe, epochs=4), data, tmp_path, interrupt, network=SETTINGS)
    train(recipe, data, tmp_path, network=SETTINGS, resume=True)
    rates = [float(row["learning_rate"]) for row in rows(tmp_path / "log.csv")]
    assert rates[1:6] == [recipe.learning_rate] * 5
    assert rates[7] < rates[6] < recipe.learning_rate


def test_the_seed_decides_and_the_callers_random_state_is_left_alone(tmp_path: Path, data: SegmentationData) -> None:
    recipe = dataclasses.replace(RECIPE, epochs=1)
    state = torch.get_rng_state()
    first = train(recipe, data, tmp_path / "a", network=SETTINGS)
    assert torch.get_rng_state().equal(state)
    again = train(recipe, data, tmp_path / "b", network=SETTINGS)
    other = train(dataclasses.replace(recipe, seed=1), data, tmp_path / "c", network=SETTINGS)
    weights = [next(network.parameters()) for network in (first, again, other)]
    assert weights[0].equal(weights[1])
    assert not weights[0].equal(weights[2])


def test_a_training_is_neither_overwritten_nor_resumed_with_another_recipe(
    tmp_path: Path, data: SegmentationData
) -> None:
    recipe = dataclasses.replace(RECIPE, epochs=1)
    with pytest.raises(MissingFileError, match=r"checkpoint.pt: expected a checkpoint"):
        train(recipe, data, tmp_path, network=SETTINGS, resume=True)
    train(recipe, data, tmp_path, network=SETTINGS)
    with pytest.raises(InvalidArgumentError, match=r"expected a new directory, found one with a training"):
        train(recipe, data, tmp_path, network=SETTINGS)
    with pytest.raises(CheckpointError, match=r"found batch_size = 4 instead of 2"):
        train(dataclasses.replace(recipe, batch_size=2), data, tmp_path, network=SETTINGS, resume=True)
    with pytest.raises(CheckpointError, match=r"the weights of this ItNet, found 32 missing"):
        train(recipe, data, tmp_path, network=dataclasses.replace(SETTINGS, iterations=3), resume=True)
    with pytest.raises(InvalidArgumentError, match=r"classes: expected 11, as in the data, found 5"):
        train(recipe, data, tmp_path / "x", network=dataclasses.replace(SETTINGS, classes=5))
    with pytest.raises(InvalidArgumentError, match=r"log.csv: expected a directory to write to, found a file"):
        train(recipe, data, tmp_path / "log.csv", network=SETTINGS)
    longer = dataclasses.replace(recipe, epochs=2)
    train(longer, data, tmp_path, network=SETTINGS, resume=True)
    assert [row["epoch"] for row in rows(tmp_path / "log.csv")] == ["1", "2"]


def test_a_loss_that_is_not_finite_stops_the_training(tmp_path: Path, data: SegmentationData) -> None:
    network = ItNet(SETTINGS)
    with torch.no_grad():
        network.classifier.weight.fill_(float("nan"))
    with pytest.raises(ItrtError, match=r"loss: expected a finite number, found nan in epoch 1, step 1"):
        train(RECIPE, data, tmp_path, network=network)
    assert not (tmp_path / "checkpoint.pt").exists()


class OwnNetwork(IterativeNetwork):
    """A user's network: trained and loaded like ItNet, except that its class must be given."""

    def __init__(self) -> None:
        super().__init__(iterations=2)
        self.first = nn.Conv2d(3, 4, 3, stride=4, padding=1)
        self.mix = nn.Conv2d(8, 4, 1)
        self.last = nn.Conv2d(4, 11, 1)

    def stem(self, image: Tensor) -> Tensor:
        return self.first(image).relu()

    def block(self, state: Tensor, features: Tensor, step: int) -> Tensor:
        return self.mix(torch.cat((state, features), dim=1)).relu()

    def head(self, state: Tensor) -> Tensor:
        return self.last(state)


def test_a_users_own_network_trains(tmp_path: Path, data: SegmentationData) -> None:
    trained = train(dataclasses.replace(RECIPE, epochs=1), data, tmp_path, network=OwnNetwork())
    with pytest.raises(CheckpointError, match=r"expected an ItNet, found a OwnNetwork"):
        load_network(tmp_path / "network.pt")
    loaded, _ = load_network(tmp_path / "network.pt", OwnNetwork())
    assert loaded.mix.weight.equal(trained.mix.weight)


METADATA = Metadata(("a", "b"), ((0, 0, 0), (1, 1, 1)), 255, (0.5, 0.5, 0.5), (0.2, 0.2, 0.2))


def test_checkpoints_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "network.pt"
    network = ItNet(SETTINGS)
    save_network(path, network, METADATA)
    assert load_network(path)[1] == METADATA
    whole = path.read_bytes()
    for size in (0, 10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(CheckpointError, match=r"network.pt: expected a checkpoint, .* truncated or foreign"):
            load_network(path)
    path.write_bytes(b"\x89PNG\r\n" * 100)
    with pytest.raises(CheckpointError, match=r"truncated or foreign"):
        load_network(path)
    torch.save({"state_dict": network.state_dict()}, path)
    with pytest.raises(CheckpointError, match=r"found another file of torch.save"):
        load_network(path)
    torch.save(network, path)  # a pickled module: weights_only refuses to execute it
    with pytest.raises(CheckpointError, match=r"truncated or foreign"):
        load_network(path)
    with pytest.raises(MissingFileError, match=r"no such file"):
        load_network(tmp_path / "none.pt")


def test_checkpoints_of_another_network_or_version_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "network.pt"
    save_network(path, ItNet(SETTINGS), METADATA)
    with pytest.raises(CheckpointError, match=r"classifier.weight of shape \(11, 8, 1, 1\) instead of \(4, 8, 1, 1\)"):
        load_network(path, ItNet(dataclasses.replace(SETTINGS, classes=4)))
    with pytest.raises(
        CheckpointError, match=r"this OwnNetwork, found 6 missing: first.weight, .*; .* surplus: stem_.* more"
    ):
        load_network(path, OwnNetwork())
    content = torch.load(path, weights_only=True)
    changed = {
        "version 1, found 99": {"version": 99},
        "expected a dictionary 'weights', found list": {"weights": []},
        "expected the metadata of a network": {"metadata": {"x": 1}},
        "expected the settings of an ItNet": {"network": {"class": "ItNet", "settings": {"classes": -1}}},
    }
    for message, change in changed.items():
        torch.save({**content, **change}, path)
        with pytest.raises(CheckpointError, match=message):
            load_network(path)


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "network.pt"
    save_network(path, ItNet(SETTINGS), METADATA)
    before = path.read_bytes()

    def fail(content: object, target: Path) -> None:
        target.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(torch, "save", fail)
    with pytest.raises(OSError, match=r"disk full"):
        save_network(path, ItNet(SETTINGS), METADATA)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["network.pt"]


def test_images_of_different_sizes_are_trained_on_and_measured(tmp_path: Path) -> None:
    sizes = ((48, 64), (30, 90), (70, 41), (52, 52))
    sets = [synthetic_data(1, 1, height, width, seed) for seed, (height, width) in enumerate(sizes)]
    train_set = ImageSet([one.train.images[0] for one in sets], [one.train.labels[0] for one in sets])
    validation = ImageSet([one.validation.images[0] for one in sets], [one.validation.labels[0] for one in sets])
    data = dataclasses.replace(sets[0], train=train_set, validation=validation)
    recipe = dataclasses.replace(RECIPE, epochs=1)
    reports: list[EpochReport | StepReport] = []
    network = train(recipe, data, tmp_path / "run", reports.append, network=SETTINGS)
    matrices = evaluate_as_trained(network, validation, recipe)
    counted = sum(int((label != 11).sum()) for label in validation.labels)
    assert [int(matrix.counts.sum()) for matrix in matrices] == [counted, counted]
    assert isinstance(reports[-1], EpochReport)
    assert reports[-1].validation_miou == pytest.approx([matrix.mean_iou() for matrix in matrices])


def run_command(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["train", *arguments])
    return result.exit_code, result.output


@pytest.mark.usefixtures("few_scenes")
def test_the_command_trains_on_synthetic_scenes(tmp_path: Path) -> None:
    code, output = run_command(
        "--data", "synthetic", "--output", str(tmp_path / "run"), "--epochs", "1", "--crop", "32", "48",
        "--batch-size", "2",
        "--channels", "8", "8", "8", "--iterations", "2", "--dilation", "1", "--dilation", "2",
    )  # fmt: skip
    assert code == 0, output
    assert "epoch 1/1" in output
    assert "val mIoU" in output
    network, _ = load_network(tmp_path / "run" / "network.pt")
    assert network.settings == ItNetSettings(channels=(8, 8, 8), iterations=2, dilations=(1, 2))


@pytest.mark.usefixtures("few_scenes")
def test_every_option_reaches_the_recipe_and_the_settings(tmp_path: Path) -> None:
    recipe = Recipe(
        epochs=1, batch_size=3, crop=(32, 48), early_crop=(16, 32), early_epochs=1, scale=(0.5, 2.0),
        colour=0.1, light=0.3, blur=0.2, noise=0.1, class_crop=0.4, paste=0.6,
        learning_rate=1e-3, weight_decay=0.05, schedule="trapezoid", warmup=0.1,
        cooldown=0.4, average_decay=0.9, iteration_weights=(0.5, 1.0), class_weighting="median_frequency",
        class_weight_cap=3.0, loss_stride=4, lovasz=0.25, distillation=0.5, autocast=False, validate_every=7, seed=5,
    )  # fmt: skip
    settings = ItNetSettings(
        channels=(8, 8, 8), stem_channels=4, stem_convolutions=1, block="context", iterations=2, dilations=(1, 2),
        share_weights=False, batch_norm="shared",
    )  # fmt: skip
    code, output = run_command(
        "--data", "synthetic", "--output", str(tmp_path / "run"), "--epochs", "1", "--batch-size", "3",
        "--crop", "32", "48",
        "--early-crop", "16", "32", "--early-epochs", "1", "--scale", "0.5", "2",
        "--colour", "0.1", "--light", "0.3", "--blur", "0.2", "--noise", "0.1",
        "--class-crop", "0.4", "--paste", "0.6", "--learning-rate", "1e-3", "--weight-decay", "0.05",
        "--schedule", "trapezoid", "--warmup", "0.1", "--cooldown", "0.4", "--average-decay", "0.9",
        "--iteration-weight", "0.5", "--iteration-weight", "1", "--class-weighting", "median_frequency",
        "--class-weight-cap", "3", "--loss-stride", "4", "--lovasz", "0.25", "--distillation", "0.5", "--no-autocast",
        "--validate-every", "7", "--seed", "5",
        "--channels", "8", "8", "8", "--stem-channels", "4", "--stem-convolutions", "1", "--block", "context",
        "--iterations", "2", "--dilation", "1", "--dilation", "2", "--no-share-weights", "--batch-norm", "shared",
    )  # fmt: skip
    assert code == 0, output
    network, metadata = load_network(tmp_path / "run" / "network.pt")
    assert network.settings == settings
    assert Recipe(**metadata.recipe) == recipe


@pytest.mark.usefixtures("few_scenes")
def test_a_network_is_trained_further_with_detail_added(tmp_path: Path) -> None:
    settings = ItNetSettings(channels=(8, 8, 8), iterations=2, block="context")
    scenes = synthetic_data(1, 1, 32, 48)
    metadata = Metadata(scenes.class_names, scenes.palette, scenes.ignore_index, RECIPE.mean, RECIPE.standard_deviation)
    save_network(tmp_path / "context.pt", ItNet(settings), metadata)
    code, output = run_command(
        "--data", "synthetic", "--output", str(tmp_path / "run"), "--epochs", "1", "--crop", "32", "48",
        "--start-from", str(tmp_path / "context.pt"), "--block", "detail",
    )  # fmt: skip
    assert code == 0, output
    network, _ = load_network(tmp_path / "run" / "network.pt")
    assert network.settings == dataclasses.replace(settings, block="detail")


@pytest.mark.usefixtures("few_scenes")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "synthetic", "--dataset", "kitti"], "dataset: expected one of camvid, camvid-original"),
        (["--data", "synthetic", "--device", "tpu"], "--device: expected cpu"),
        (["--data", "synthetic", "--batch-norm", "none"], "batch_norm: expected"),
        (["--data", "/nowhere"], "trainannot/*.png"),
        (["--data", "synthetic", "--resume"], "expected a checkpoint, found no such file"),
    ],
)
def test_the_command_refuses_bad_arguments(tmp_path: Path, arguments: list[str], message: str) -> None:
    code, output = run_command("--output", str(tmp_path / "run"), *arguments)
    assert code == 1
    assert "error: " in output
    assert message in output
    assert not (tmp_path / "run").exists()
