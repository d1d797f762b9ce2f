"""itrt debug: a table of all layers, the first that parts by name, and exit codes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from itrt.format import Constant, Convolution, FixedPoint, Program, read, write
from itrt.quantize import Requantization
from itrt.train.checkpoint import Metadata, save_network
from reference.networks import MEAN, STD, random_image, tiny_network

FACTORY = "reference.networks:tiny_network_of_one_iteration"


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("images") / "image.png"
    PIL.Image.fromarray(random_image(40, 48)).save(path)
    return path


def convert_tiny(path: Path, requantize: Requantization) -> Path:
    from itrt.converter import convert

    images = [random_image(40, 48)]
    convert(tiny_network(1), path, calibration=images, mean=MEAN, std=STD, equalize="on", requantize=requantize)
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return convert_tiny(tmp_path_factory.mktemp("models") / "tiny.itrt", "float")


def spoiled(program: Program) -> Program:
    """Return the program with the scales of its block's convolution four times as large."""
    (mix,) = program.block
    assert isinstance(mix, Convolution)
    if isinstance(mix.scale, FixedPoint):
        shifts = Constant(tuple((shift - 2).astype(np.uint8) for shift in mix.scale.shift.values))
        return replace(program, block=(replace(mix, scale=replace(mix.scale, shift=shifts)),))
    scales = Constant(tuple((4.0 * scale).astype(np.float32) for scale in mix.scale.values))
    return replace(program, block=(replace(mix, scale=scales),))


def test_every_layer_has_a_row_and_nothing_parts(itrt, model: Path, image: Path) -> None:
    outcome = itrt("debug", model, image, "--model", FACTORY)
    assert outcome.exit_code == 0, outcome.stderr
    rows = [line.split()[:2] for line in outcome.stdout.splitlines()]
    for row in (["stem", "stem.first"], ["stem", "state"], ["1", "block.mix"], ["1", "head.last"]):
        assert row in rows
    assert "no layer is below 15 dB" in outcome.stdout


def test_a_planted_fault_is_named_and_the_exit_code_says_so(itrt, model: Path, image: Path, tmp_path: Path) -> None:
    path = tmp_path / "spoiled.itrt"
    write(spoiled(read(model)), path)
    outcome = itrt("debug", path, image, "--model", FACTORY)
    assert outcome.exit_code == 3
    assert "block.mix in iteration 1 is the first below 15 dB" in outcome.stdout
    assert "times what float computes" in outcome.stdout
    assert itrt("debug", path, image, "--model", FACTORY, "--threshold", "-60").exit_code == 0


def test_a_file_without_floating_point(itrt, image: Path, tmp_path: Path) -> None:
    path = convert_tiny(tmp_path / "fixed.itrt", "fixed")
    outcome = itrt("debug", path, image, "--model", FACTORY)
    assert outcome.exit_code == 0
    rows = [line.split() for line in outcome.stdout.splitlines() if line.split()[:1] in (["stem"], ["1"])]
    assert [row[1] for row in rows] == ["stem.first", "state", "block.mix", "head.last"]
    assert [float(row[4]) for row in rows] == pytest.approx([1.0] * 4, abs=0.02)  # the gain of each layer alone
    write(spoiled(read(path)), path)
    outcome = itrt("debug", path, image, "--model", FACTORY)
    assert outcome.exit_code == 3
    assert "block.mix in iteration 1 is the first below 15 dB" in outcome.stdout


def test_what_is_wrong_is_told_in_a_line(fails, model: Path, image: Path, tmp_path: Path) -> None:
    assert "expected a CHECKPOINT of itrt train or --model" in fails("debug", model, image)
    assert "none.png" in fails("debug", model, tmp_path / "none.png", "--model", FACTORY)
    assert "expected a file or a packaged model" in fails("debug", tmp_path / "none.itrt", image, "--model", FACTORY)
    foreign = tmp_path / "network.pt"
    colors = ((0, 0, 0),) * 5
    save_network(foreign, tiny_network(1), Metadata(tuple("abcde"), colors, 5, MEAN, STD, epoch=1))
    assert "expected" in fails("debug", model, image, foreign)
