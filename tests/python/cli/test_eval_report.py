"""The page of itrt eval --report."""

import base64
import io
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from itrt.format import write
from itrt.train import synthetic_data
from itrt.train.data.ade20k import CLASS_NAMES
from reference.html_page import read_page
from reference.small_program import small_program

jinja2 = pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")


def test_the_page_has_the_numbers_and_needs_nothing_else(
    itrt, model_path: Path, data_path: Path, tmp_path: Path
) -> None:
    page, numbers = tmp_path / "eval.html", tmp_path / "eval.json"
    outcome = itrt("eval", model_path, "--data", data_path, "-k", 3, "--report", page, "--json", numbers, "--worst", 2)
    assert outcome.exit_code == 0, outcome.stderr
    assert f"wrote {page}" in outcome.stdout
    checker = read_page(page)
    document = json.loads(numbers.read_text())
    assert all(address.startswith(("data:image/", "#")) for address in checker.addresses)
    assert "<script" not in page.read_text()
    words = [word.strip() for word in checker.words]
    for score in document["scores"]:
        assert f"{100 * score['mean_iou']:.1f}" in words
        for value in score["iou"]:
            assert ("-" if value is None else f"{100 * value:.1f}") in words
    assert set(document["classes"]) <= set(words)
    # The images with the lowest mean IoU, and four pictures of each at the image's own size.
    ranked = sorted(document["image_scores"], key=lambda score: score["mean_iou"])
    headings = [word for word in words if re.match(r"\d+\.png: ", word)]
    assert headings == [f"{score['name']}: {100 * score['mean_iou']:.1f} %" for score in ranked[:2]]
    pictures = [address for address in checker.addresses if address.startswith("data:image/jpeg;base64,")]
    assert len(pictures) == 8
    with PillowImage.open(io.BytesIO(base64.b64decode(pictures[0].partition(",")[2]))) as picture:
        assert picture.size == (80, 60)


def test_the_confusion_matrix_belongs_to_the_scores(itrt, model_path: Path, data_path: Path, tmp_path: Path) -> None:
    numbers = tmp_path / "eval.json"
    assert itrt("eval", model_path, "--data", data_path, "--json", numbers).exit_code == 0
    document = json.loads(numbers.read_text())
    counts = np.array(document["confusion"])
    union = counts.sum(axis=0) + counts.sum(axis=1) - np.diagonal(counts)
    expected = [hits / size if size else None for hits, size in zip(np.diagonal(counts), union, strict=True)]
    assert document["scores"][-1]["iou"] == pytest.approx(expected)
    assert len(document["image_scores"]) == document["images"] == 3


def test_a_page_for_150_classes_and_images_of_several_sizes(itrt, model_path: Path, tmp_path: Path) -> None:
    root, page = tmp_path / "ade", tmp_path / "eval.html"
    for folder in ("training", "validation"):
        for kind in ("images", "annotations"):
            (root / kind / folder).mkdir(parents=True)
        for index, size in enumerate(((40, 56), (33, 71))):
            scene = synthetic_data(1, 0, *size).train
            PillowImage.fromarray(scene.images[0]).save(root / "images" / folder / f"{index}.jpg")
            PillowImage.fromarray(scene.labels[0] + np.uint8(1)).save(root / "annotations" / folder / f"{index}.png")
    write(small_program(classes=CLASS_NAMES), model_path)
    outcome = itrt("eval", model_path, "--data", root, "--dataset", "ade20k", "--report", page)
    assert outcome.exit_code == 0, outcome.stderr
    assert "ADE20K (scene parsing), val" in page.read_text()
    assert "chest of drawers" in read_page(page).words


def test_markup_in_names_is_text(itrt, model_path: Path, data_path: Path, tmp_path: Path) -> None:
    classes = ("<b>sky</b>", *small_program().classes[1:])
    write(small_program(classes=classes), model_path)
    page = tmp_path / "eval.html"
    assert itrt("eval", model_path, "--data", data_path, "--report", page).exit_code == 0
    assert "<b>" not in page.read_text()
    read_page(page)


def test_wrong_targets_and_missing_packages_are_told_before_the_work(
    fails, monkeypatch, model_path: Path, data_path: Path, tmp_path: Path
) -> None:
    options = ("eval", model_path, "--data", data_path)
    assert "--report" in fails(*options, "--report", tmp_path / "none" / "eval.html")
    for module in [name for name in sys.modules if name.startswith("itrt.cli.report")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "jinja2", None)
    assert "--report needs jinja2: pip install 'itrt[report]'" in fails(*options, "--report", tmp_path / "eval.html")
    assert not (tmp_path / "eval.html").exists()
