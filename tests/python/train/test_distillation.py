"""Distillation: the loss against its definition, and trainings that learn from a teacher what labels do not say."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from typer.testing import CliRunner

from itrt.cli.app import app
from itrt.errors import InvalidArgumentError
from itrt.nn import ItNet, ItNetSettings
from itrt.train import Metadata, Recipe, SegmentationData, load_network, save_network, synthetic_data, train
from itrt.train.distillation import distillation_loss
from itrt.train.validation import normalize

SETTINGS = ItNetSettings(channels=(8, 8, 8), stem_channels=8, iterations=2)
RECIPE = Recipe(epochs=3, batch_size=4, crop=(48, 64), scale=(1.0, 1.0), autocast=False, learning_rate=1e-2)


@pytest.fixture(scope="module")
def data() -> SegmentationData:
    return synthetic_data(train=8, validation=1, height=48, width=64)


def log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    exact = logits.astype(np.float64)
    return exact - np.log(np.exp(exact).sum(axis=1, keepdims=True))


def test_the_loss_is_the_mean_divergence_of_a_cell() -> None:
    generator = np.random.default_rng(0)
    logits = [3 * generator.standard_normal((2, 5, 3, 4)).astype(np.float32) for _ in range(2)]
    teacher = 3 * generator.standard_normal((2, 5, 3, 4)).astype(np.float32)
    target = log_softmax(teacher)
    divergences = [(np.exp(target) * (target - log_softmax(each))).sum(axis=1).mean() for each in logits]
    found = distillation_loss([torch.from_numpy(each) for each in logits], torch.from_numpy(teacher), (0.5, 1.5))
    assert float(found) == pytest.approx(0.25 * divergences[0] + 0.75 * divergences[1], rel=1e-5)
    assert float(distillation_loss([torch.from_numpy(teacher)], torch.from_numpy(teacher) + 7, (1.0,))) < 1e-6


def test_a_teacher_of_another_resolution_is_interpolated() -> None:
    teacher = torch.zeros(1, 3, 2, 2)
    teacher[:, 1] = 4.0
    logits = torch.zeros(1, 3, 8, 6)
    logits[:, 1] = 4.0
    assert float(distillation_loss([logits], teacher, (1.0,))) < 1e-6


def divergence(network: torch.nn.Module, teacher: torch.nn.Module, data: SegmentationData) -> float:
    images = np.stack(data.train.images)
    batch = normalize(torch.from_numpy(images), RECIPE.mean, RECIPE.standard_deviation)
    with torch.no_grad():
        return float(distillation_loss(network(batch), teacher(batch)[-1], (1.0, 1.0)))


def test_a_student_comes_closer_to_its_teacher_than_by_labels_alone(tmp_path: Path, data: SegmentationData) -> None:
    teacher = ItNet(dataclasses.replace(SETTINGS, channels=(16, 16, 16), iterations=3)).eval()
    with torch.no_grad():  # an opinion that no label brings about
        assert teacher.classifier.bias is not None
        teacher.classifier.bias[3] = 4
    before = {name: value.clone() for name, value in teacher.state_dict().items()}
    recipe = dataclasses.replace(RECIPE, batch_size=2, distillation=4.0)
    alone = train(recipe, data, tmp_path / "alone", network=SETTINGS)
    taught = train(recipe, data, tmp_path / "taught", network=SETTINGS, teacher=teacher)
    assert divergence(taught, teacher, data) < 0.9 * divergence(alone, teacher, data)
    for name, value in teacher.state_dict().items():
        assert value.equal(before[name]), f"the teacher learned: {name}"


def test_a_weight_of_0_ignores_the_teacher(tmp_path: Path, data: SegmentationData) -> None:
    recipe = dataclasses.replace(RECIPE, epochs=1, distillation=0.0)
    alone = train(recipe, data, tmp_path / "alone", network=SETTINGS)
    taught = train(recipe, data, tmp_path / "taught", network=SETTINGS, teacher=ItNet(SETTINGS))
    for (name, expected), found in zip(alone.state_dict().items(), taught.state_dict().values(), strict=True):
        assert found.equal(expected), name


def test_a_teacher_of_other_classes_is_refused(tmp_path: Path, data: SegmentationData) -> None:
    teacher = ItNet(dataclasses.replace(SETTINGS, classes=7))
    with pytest.raises(InvalidArgumentError, match=r"teacher: expected 11 classes, as in the data, found 7"):
        train(RECIPE, data, tmp_path, network=SETTINGS, teacher=teacher)


def write_teacher(path: Path, data: SegmentationData, **changes: object) -> Path:
    metadata = Metadata(data.class_names, data.palette, data.ignore_index, RECIPE.mean, RECIPE.standard_deviation)
    save_network(path, ItNet(SETTINGS), dataclasses.replace(metadata, **changes))  # type: ignore[arg-type]
    return path


def run_command(tmp_path: Path, teacher: Path) -> tuple[int, str]:
    result = CliRunner().invoke(
        app,
        [
            "train", "--data", "synthetic", "--output", str(tmp_path / "run"), "--epochs", "1", "--crop", "32", "48",
            "--channels", "8", "8", "8", "--iterations", "2", "--teacher", str(teacher), "--distillation", "0.5",
        ],
    )  # fmt: skip
    return result.exit_code, result.output


@pytest.mark.usefixtures("few_scenes")
def test_the_command_takes_a_teacher(tmp_path: Path, data: SegmentationData) -> None:
    code, output = run_command(tmp_path, write_teacher(tmp_path / "teacher.pt", data))
    assert code == 0, output
    assert load_network(tmp_path / "run" / "network.pt")[1].recipe["distillation"] == 0.5


@pytest.mark.usefixtures("few_scenes")
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"class_names": tuple("abcdefghijk")}, "--teacher: expected a network of the classes"),
        ({"mean": (0.5, 0.5, 0.5)}, "--teacher: expected images normalized by"),
    ],
)
def test_the_command_refuses_a_teacher_of_another_kind(
    tmp_path: Path, data: SegmentationData, changes: dict[str, object], message: str
) -> None:
    code, output = run_command(tmp_path, write_teacher(tmp_path / "teacher.pt", data, **changes))
    assert code == 1
    assert message in output
    assert not (tmp_path / "run").exists()


def test_a_divergence_has_gradients_for_every_iteration() -> None:
    logits = [torch.zeros(1, 3, 2, 2, requires_grad=True) for _ in range(2)]
    teacher: Tensor = torch.randn(1, 3, 2, 2)
    distillation_loss(logits, teacher, (0.5, 1.0)).backward()  # type: ignore[no-untyped-call]
    assert all(each.grad is not None and bool(each.grad.abs().sum() > 0) for each in logits)
