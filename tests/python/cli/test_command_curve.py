"""itrt curve. No time decides a test: deadlines are a year, or shorter than anything."""

import json
from pathlib import Path

import numpy as np
import pytest

import itrt as library
from itrt.format import write
from itrt.metrics import ConfusionMatrix
from itrt.train import load_data
from reference.small_program import small_program

YEAR = 3.15e10  # milliseconds
STEM, BLOCK, HEAD = (  # of the small program at 60x80: features 15x20, low 8x10
    15 * 20 * 8 * 75,
    15 * 20 * 8 * (72 + 8) + 8 * 10 * 12 * 72 + 15 * 20 * 8 * (12 + 18),
    15 * 20 * 11 * 8,
)


def points(itrt, tmp_path: Path, *arguments: object) -> tuple[list[dict], str]:
    file = tmp_path / "points.json"
    outcome = itrt("curve", *arguments, "--threads", 1, "--json", file)
    assert outcome.exit_code == 0, outcome.stderr
    document = json.loads(file.read_text())
    assert (document["model"], document["split"], document["threads"]) == ("small", "val", 1)
    return document["points"], outcome.stdout


def score(results, labels) -> float:
    confusion = ConfusionMatrix(11, 11)
    for result, label in zip(results, labels, strict=True):
        confusion.update(result.labels, label)
    return confusion.mean_iou()


def test_every_way_to_end(itrt, model_path: Path, data_path: Path, tmp_path: Path) -> None:
    ways = ("--deadline", YEAR, "--deadline", 1e-6, "--stable", 0.5, "--stable", 1, "--warm", 0.5)
    found, table = points(itrt, tmp_path, model_path, "--data", data_path, "-k", 3, *ways)
    model, data = library.load(model_path, threads=1), load_data(data_path).validation
    by_count = {count: score([model.run(image, count) for image in data.images], data.labels) for count in (1, 2, 3)}

    counts = [point for point in found if point["kind"] == "iterations"]
    assert [point["setting"] for point in counts] == [1, 2, 3]
    for point in counts:
        assert point["mean_iou"] == pytest.approx(by_count[point["setting"]])
        assert point["iterations"] == point["setting"]
        assert point["macs"] == STEM + point["setting"] * BLOCK + HEAD
        assert point["milliseconds"] > 0
        assert (point["answered"], point["missed"], point["late"]) == (3, 0, 0)

    generous, impossible = (point for point in found if point["kind"] == "deadline")
    assert generous["mean_iou"] == pytest.approx(by_count[3])
    assert (generous["iterations"], generous["answered"], generous["late"]) == (3, 3, 0)
    assert (impossible["mean_iou"], impossible["milliseconds"], impossible["macs"]) == (None, None, None)
    assert (impossible["answered"], impossible["missed"], impossible["late"]) == (0, 3, 0)

    for point in (point for point in found if point["kind"] == "stable"):
        rule = library.stop.stable(point["setting"])
        results = [model.run(image, 3, stop=rule) for image in data.images]
        assert point["mean_iou"] == pytest.approx(score(results, data.labels))
        done = [result.iterations for result in results]
        assert point["iterations"] == pytest.approx(np.mean(done))
        assert point["macs"] == pytest.approx(np.mean([STEM + count * (BLOCK + HEAD) for count in done]))

    warm = [point for point in found if point["kind"] == "warm"]
    ways_to_start = [(step, count) for step in (0, 1, 2) for count in (1, 2, 3)]
    assert [(point["first_step"], point["setting"]) for point in warm] == ways_to_start
    for point in warm:
        results = model.video(data.images, point["setting"], warm=True, share=0.5, first_step=point["first_step"])
        assert point["mean_iou"] == pytest.approx(score(results, data.labels))

    assert f"{100 * by_count[2]:.2f}" in next(line for line in table.splitlines() if "after 2 iterations" in line)
    assert "warm, share 0.5, step 2, 3 iterations" in table


def test_deadlines_by_default(itrt, model_path: Path, data_path: Path, tmp_path: Path) -> None:
    """A tenth more than each answer took."""
    found, _ = points(itrt, tmp_path, model_path, "--data", data_path)
    times = [point["milliseconds"] for point in found if point["kind"] == "iterations"]
    deadlines = [point["setting"] for point in found if point["kind"] == "deadline"]
    assert deadlines == pytest.approx(sorted(max(1.1 * value, 0.1) for value in times), abs=0.051)
    for point in found:
        assert point["answered"] + point["missed"] == 3


def test_a_picture(itrt, model_path: Path, data_path: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    pictures = []
    for name, ways in (("a.png", ()), ("b.png", ("--stable", 0.9, "--warm", 1))):
        path = tmp_path / name
        outcome = itrt("curve", model_path, "--data", data_path, "--deadline", YEAR, "-o", path, *ways)
        assert outcome.exit_code == 0, outcome.stderr
        assert f"wrote {path}" in outcome.stdout
        pictures.append(library.images.read_image(path))
    first, second = pictures
    assert first.shape == second.shape == (600, 1440, 3)
    assert (first != second).any()


def test_wrong_arguments_end_in_a_message(fails, model_path: Path, data_path: Path, tmp_path: Path) -> None:
    curve = ("curve", model_path, "--data", data_path)
    assert "--deadline: expected more than 0, found 0" in fails(*curve, "--deadline", 0)
    assert "--stable: expected more than 0 and at most 1, found 1.5" in fails(*curve, "--stable", 1.5)
    assert "--warm: expected more than 0 and at most 1, found -1" in fails(*curve, "--warm", -1)
    assert "iterations: expected 1 to 3, found 4" in fails(*curve, "-k", 4)
    assert "expected the directory" in fails(*curve, "--json", tmp_path / "none" / "points.json")
    assert "expected" in fails(*curve, "-o", tmp_path / "curve.jpg")
    assert "found no file" in fails(*curve, "--split", "test")
    write(small_program(classes=("a", "b")), model_path)
    assert "expected the 11 classes of CamVid in the SegNet layout, found 2" in fails(*curve)
