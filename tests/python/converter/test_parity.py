"""The parity report from the compiled runtime, and the way from a checkpoint and a command line to a file."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from torch import nn
from typer.testing import CliRunner

from itrt.cli.app import app
from itrt.converter import Conversion, convert, convert_checkpoint
from itrt.converter.calibration_set import ImageFiles, choose
from itrt.errors import CheckpointError, InvalidArgumentError, MissingFileError
from itrt.format import read
from itrt.images import images_in
from itrt.loading import load
from itrt.train.checkpoint import Metadata, save_network
from reference.executor import execute
from reference.networks import MEAN, STD, OracleModel, random_image, small_itnet, tiny_network

CLASSES = ("sky", "road", "tree", "car", "sign")
COLORS = ((0, 0, 255), (90, 90, 90), (0, 255, 0), (255, 0, 0), (255, 255, 0))
IMAGES = [random_image(48, 64, seed=1), random_image(45, 61, seed=2)]
LABELS = [np.full((48, 64), 3, np.uint8), np.full((45, 61), 255, np.uint8)]  # 255 is no class: ignored


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> tuple[nn.Module, Conversion]:
    network = tiny_network(2)
    path = tmp_path_factory.mktemp("parity") / "small.itrt"
    conversion = convert(
        network, path, calibration=iter(IMAGES), labels=iter(LABELS), mean=MEAN, std=STD, classes=CLASSES
    )
    return network, conversion


def test_the_report_covers_every_tensor_and_iteration(converted: tuple[nn.Module, Conversion]) -> None:
    program, report = converted[1].program, converted[1].parity
    assert report is not None
    assert report.images == 2
    assert {row.tensor for row in report.tensors} == {tensor.name for tensor in program.tensors} - {"image"}
    assert {row.step for row in report.tensors} == {None, 0, 1}
    assert all(row.snr_db > 20.0 for row in report.tensors)
    assert [row.iteration for row in report.iterations] == [1, 2]
    for row in report.iterations:
        assert 0.95 < row.equal_labels <= 1.0
        assert row.float_miou is not None
        assert row.int8_miou == pytest.approx(row.float_miou, abs=0.02)


def test_the_runtime_computes_what_the_oracle_computes(converted: tuple[nn.Module, Conversion]) -> None:
    program = converted[1].program
    model = load(converted[1].path)
    expected = execute(program, IMAGES[1], 3).tensors
    found = model.taps(IMAGES[1], iterations=3)
    assert all(np.array_equal(found[key], value) for key, value in expected.items())
    labels = OracleModel(program).run(IMAGES[1], iterations=3).labels
    assert np.array_equal(model.run(IMAGES[1], iterations=3).labels, labels)


def test_a_plain_module_runs_and_a_perfect_tensor_has_no_noise(tmp_path: Path) -> None:
    network = nn.Conv2d(3, 2, 1)
    nn.init.zeros_(network.weight)
    nn.init.zeros_(network.bias)
    path = tmp_path / "zero.itrt"
    report = convert(network, path, calibration=IMAGES, mean=MEAN, std=STD, classes=CLASSES[:2]).parity
    assert report is not None
    assert [row.snr_db for row in report.tensors] == [math.inf]
    assert [row.equal_labels for row in report.iterations] == [1.0]
    assert [row.float_miou for row in report.iterations] == [None]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("checkpoint") / "network.pt"
    network = small_itnet(iterations=1)
    save_network(path, network, Metadata(CLASSES, COLORS, 11, MEAN, STD, epoch=7))
    return path


def write_pictures(directory: Path, arrays: list[np.ndarray]) -> None:
    directory.mkdir(parents=True)
    for index, array in enumerate(arrays):
        PIL.Image.fromarray(array).save(directory / f"{index}.png")


def run_command(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["convert", *(str(argument) for argument in arguments)])
    return result.exit_code, result.output


def test_a_checkpoint_brings_classes_palette_and_normalization(checkpoint: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.itrt"
    convert_checkpoint(checkpoint, path, calibration=IMAGES, parity_images=0)
    program = read(path)
    assert (program.classes, program.palette) == (CLASSES, COLORS)
    assert (program.preprocessing.mean, program.preprocessing.std) == (MEAN, STD)
    assert program.metadata == {"trained_epochs": "7", "observer": "mse"}


def test_the_command_converts_and_prints_the_report(checkpoint: Path, tmp_path: Path) -> None:
    write_pictures(tmp_path / "images", IMAGES)
    output = tmp_path / "model.itrt"
    options = ("--calibrate", tmp_path / "images", "--observer", "minmax", "--requantize", "fixed")
    code, text = run_command(checkpoint, "-o", output, *options)
    assert code == 0, text
    assert "head.classifier" in text
    assert "equal labels" in text
    assert "fixed beside float requantization" in text
    assert f"{output.stat().st_size} bytes" in text
    assert read(output).metadata["observer"] == "minmax"


def test_the_command_finds_camvids_labels(checkpoint: Path, tmp_path: Path) -> None:
    write_pictures(tmp_path / "train", IMAGES)
    write_pictures(tmp_path / "trainannot", [np.minimum(labels, 11) for labels in LABELS])  # 11 is ignored
    (tmp_path / "train.txt").write_text("train/0.png trainannot/0.png\ntrain/1.png trainannot/1.png\n")
    code, text = run_command(checkpoint, "-o", tmp_path / "model.itrt", "--calibrate", tmp_path)
    assert code == 0, text
    row = next(line for line in text.splitlines() if line.split()[:1] == ["1"])
    assert "-" not in row


def test_the_commands_errors_come_first_and_leave_nothing(checkpoint: Path, tmp_path: Path) -> None:
    write_pictures(tmp_path / "images", IMAGES)
    (tmp_path / "empty").mkdir()
    output, images = tmp_path / "model.itrt", tmp_path / "images"
    (tmp_path / "foreign.pt").write_bytes(b"PK no checkpoint")
    for arguments, message in [
        ((tmp_path / "none.pt", "-o", output, "--calibrate", images), "checkpoint: expected a file"),
        ((tmp_path / "foreign.pt", "-o", output, "--calibrate", images), "expected a checkpoint"),
        ((checkpoint, "-o", tmp_path / "no" / "model.itrt", "--calibrate", images), "existing directory"),
        ((checkpoint, "-o", images, "--calibrate", images), "found the directory"),
        ((checkpoint, "-o", output, "--calibrate", tmp_path / "none"), "expected a directory of images"),
        ((checkpoint, "-o", output, "--calibrate", tmp_path / "empty"), "found none"),
        ((checkpoint, "-o", output, "--calibrate", images, "--observer", "entropy"), "--observer: expected one of"),
        ((checkpoint, "-o", output, "--calibrate", images, "--requantize", "int"), "--requantize: expected one of"),
    ]:
        code, text = run_command(*arguments)
        assert code == 1
        assert message in text
        assert not output.exists()


def test_a_foreign_checkpoint_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "foreign.pt").write_bytes(b"PK no checkpoint")
    with pytest.raises(CheckpointError):
        convert_checkpoint(tmp_path / "foreign.pt", tmp_path / "model.itrt", calibration=IMAGES)
    with pytest.raises(MissingFileError):
        convert_checkpoint(tmp_path / "none.pt", tmp_path / "model.itrt", calibration=IMAGES)


def test_calibration_files_are_read_one_at_a_time_and_again(tmp_path: Path) -> None:
    write_pictures(tmp_path / "images", IMAGES)
    (tmp_path / "images" / "notes.txt").write_text("no image")
    paths = images_in(tmp_path / "images", "calibration")
    files = ImageFiles(paths)
    assert len(files) == 2
    for _ in range(2):
        assert all(np.array_equal(a, b) for a, b in zip(files, IMAGES, strict=True))


def test_the_choice_of_images_is_fixed_and_spread() -> None:
    assert choose(range(100), 5) == choose(range(100), 5)
    assert len(set(choose(range(100), 5))) == 5
    assert sorted(choose(range(3), 10)) == [0, 1, 2]
    with pytest.raises(InvalidArgumentError, match="at least 1"):
        choose(range(3), 0)
