"""The page of itrt convert --report, and the examination that it shows."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from itrt.converter import Conversion, convert, examine
from itrt.converter.sixteen_bits import worth_of_tensors
from itrt.errors import InvalidArgumentError
from itrt.format import Constant, Convolution
from reference.html_page import read_page
from reference.networks import MEAN, STD, random_image, tiny_network

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")

FACTORY = "reference.networks:tiny_network_of_one_iteration"
IMAGES = [random_image(40, 48, seed=1), random_image(33, 51, seed=2)]


@pytest.fixture(scope="module")
def conversion(tmp_path_factory: pytest.TempPathFactory) -> Conversion:
    path = tmp_path_factory.mktemp("examined") / "tiny.itrt"
    return convert(tiny_network(1), path, calibration=IMAGES, mean=MEAN, std=STD, equalize="off")


def test_the_examination_has_the_worst_layers_and_images_first(conversion: Conversion) -> None:
    found = examine(conversion, worst_layers=2, worst_images=1)
    assert conversion.parity is not None
    snr = {(row.tensor, row.step): row.snr_db for row in conversion.parity.tensors}
    assert {(row.tensor, row.step): row.snr_db for row in found.layers} == pytest.approx(snr)
    lowest = sorted(found.layers, key=lambda row: row.own_snr_db)
    assert found.histograms[0].layer == lowest[0]
    assert [row.tensor for row in found.worth] == [each.layer.tensor for each in found.histograms]
    assert len({row.tensor for row in found.worth}) == 2
    (worst,) = found.changed
    everything = examine(conversion, worst_layers=0, worst_images=2).changed
    assert worst.index == everything[0].index
    assert worst.labels.changed == max(each.labels.changed for each in everything)
    assert np.array_equal(worst.image, IMAGES[worst.index])


def test_histograms_count_every_value_once(conversion: Conversion) -> None:
    for histogram in examine(conversion, worst_layers=6, worst_images=2).histograms:
        low, high = histogram.limits
        assert histogram.float_counts.sum() == histogram.int8_counts.sum() > 0
        assert len(histogram.edges) == len(histogram.float_counts) + 1
        assert histogram.edges[0] <= low <= high <= histogram.edges[-1]
        beyond = (histogram.edges[1:] < low) | (histogram.edges[:-1] > high)
        assert histogram.int8_counts[beyond].sum() == 0


def test_a_tensor_that_loses_most_is_worth_most(conversion: Conversion) -> None:
    """Logits with ten steps in their range: kept in float they are right again, whatever else is rounded."""
    graph, program = conversion.graph, conversion.program
    logits = program.tensors[program.logits]
    scale = logits.scale * 25.5
    coarse = replace(logits, scale=scale, zero_points=(128,))
    (operator,) = program.head
    assert isinstance(operator, Convolution)
    rescaled = Constant(tuple((values / 25.5).astype(np.float32) for values in operator.scale.values))
    spoiled = replace(
        program,
        tensors=tuple(coarse if tensor is logits else tensor for tensor in program.tensors),
        head=(replace(operator, scale=rescaled, clamp=(0, 255)),),
    )
    good, bad = (
        {row.tensor: row for row in worth_of_tensors(graph, each, ["head.last", "stem.first"], IMAGES)}
        for each in (program, spoiled)
    )
    assert bad["head.last"].changed_rounded == bad["stem.first"].changed_rounded
    assert bad["head.last"].changed_rounded > good["head.last"].changed_rounded + 0.02
    assert bad["head.last"].changed_kept == pytest.approx(good["head.last"].changed_kept, abs=0.005)
    assert bad["stem.first"].changed_kept > bad["head.last"].changed_kept


def test_an_examination_needs_images(conversion: Conversion) -> None:
    with pytest.raises(InvalidArgumentError, match="parity_images of at least 1, found none"):
        examine(replace(conversion, images=()))


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    directory = tmp_path / "images"
    directory.mkdir()
    for index, image in enumerate(IMAGES):
        PIL.Image.fromarray(image).save(directory / f"{index}.png")
    return directory


def test_the_page_has_every_layer_and_needs_nothing_else(itrt, pictures: Path, tmp_path: Path) -> None:
    page, model = tmp_path / "report.html", tmp_path / "tiny.itrt"
    options = ("--model", FACTORY, "--calibrate", pictures, "--mean", *MEAN, "--std", *STD, "-o", model)
    outcome = itrt("convert", *options, "--classes", "<sky>,road,tree,car,sign", "--report", page)
    assert outcome.exit_code == 0, outcome.stderr
    assert f"wrote {page}" in outcome.stdout
    assert "ways to quantize" in outcome.stdout
    checker = read_page(page)
    assert all(address.startswith(("data:image/", "#")) for address in checker.addresses)
    assert "<script" not in page.read_text()
    assert "<sky>" not in page.read_text()  # names are text
    words = [word.strip() for word in checker.words]
    assert words.count("kept") == 1
    for name in ("stem.first", "block.mix", "head.last"):
        assert words.count(name) >= 2  # in both maps
    assert sum(bool(re.fullmatch(r"-?\d+\.\d|inf", word)) for word in words) >= 8  # four tensors in two maps
    assert sum(address.startswith("data:image/jpeg") for address in checker.addresses) == 8
    assert len(re.findall(r"<svg", page.read_text())) == 4


def test_what_is_wrong_is_told_before_the_work(fails, pictures: Path, tmp_path: Path) -> None:
    options = ("convert", "--model", FACTORY, "--calibrate", pictures, "-o", tmp_path / "tiny.itrt")
    assert "--parity-images of at least 1" in fails(*options, "--report", tmp_path / "a.html", "--parity-images", 0)
    assert "--report" in fails(*options, "--report", tmp_path / "none" / "a.html")
    assert "--equalize: expected one of auto, on, off, found yes" in fails(*options, "--equalize", "yes")
    assert list(tmp_path.glob("*.itrt")) == []
