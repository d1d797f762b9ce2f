"""itrt eval."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

import itrt as library
from itrt.format import write
from itrt.train import load_data
from reference.small_program import small_program

ROOT = Path(__file__).parents[3]


def expected_iou(model_path: Path, data_path: Path, iterations: int) -> list[float]:
    """Written another way on purpose: sets of pixels, class by class."""
    model = library.load(model_path)
    images = load_data(data_path).validation
    found = np.stack([model.run(image, iterations).labels for image in images.images])
    truth = np.stack(images.labels)
    counted = truth != 11
    result = []
    for index in range(11):
        intersection = np.sum(counted & (found == index) & (truth == index))
        union = np.sum(counted & ((found == index) | (truth == index)))
        result.append(intersection / union if union else np.nan)
    return result


def test_scores_of_every_iteration(itrt, model_path: Path, data_path: Path, tmp_path: Path) -> None:
    file = tmp_path / "scores.json"
    outcome = itrt("eval", model_path, "--data", data_path, "-k", 3, "--threads", 1, "--json", file)
    assert outcome.exit_code == 0, outcome.stderr
    document = json.loads(file.read_text())
    assert (document["split"], document["images"], document["threads"]) == ("val", 3, 1)
    assert document["classes"] == list(small_program().classes)
    assert [score["iteration"] for score in document["scores"]] == [1, 2, 3]
    for score in document["scores"]:
        expected = expected_iou(model_path, data_path, score["iteration"])
        np.testing.assert_allclose([np.nan if value is None else value for value in score["iou"]], expected)
        assert score["mean_iou"] == pytest.approx(np.nanmean(expected))
        assert 0 < score["block_milliseconds"] < score["milliseconds"]
    row = next(line for line in outcome.stdout.splitlines() if line.startswith("mean IoU"))
    assert [float(text) for text in re.findall(r"\d+\.\d+", row)] == pytest.approx(
        [100 * score["mean_iou"] for score in document["scores"]], abs=0.005
    )


def test_split_and_default_iterations(itrt, model_path: Path, data_path: Path) -> None:
    outcome = itrt("eval", model_path, "--data", data_path, "--split", "train")
    assert "2 images of train" in outcome.stdout
    assert re.search(r"iteration +1 +2\n", outcome.stdout)


def test_wrong_arguments_end_in_a_message(fails, model_path: Path, data_path: Path, tmp_path: Path) -> None:
    assert "SegNet layout" in fails("eval", model_path, "--data", tmp_path)
    assert "found no file" in fails("eval", model_path, "--data", data_path, "--split", "test")
    assert "expected the directory" in fails("eval", model_path, "--data", data_path, "--json", "missing/scores.json")
    assert "expected 1 to 3, found 4" in fails("eval", model_path, "--data", data_path, "-k", 4)
    write(small_program(classes=("a", "b")), model_path)
    assert "expected the 11 classes of CamVid in the SegNet layout, found 2" in fails(
        "eval", model_path, "--data", data_path
    )


def test_a_wrong_label_is_found_before_work_starts(fails, model_path: Path, data_path: Path, tmp_path: Path) -> None:
    label = next((data_path / "valannot").glob("*.png"))
    PillowImage.fromarray(np.full((60, 80), 12, np.uint8)).save(label)
    file = tmp_path / "scores.json"
    assert "expected classes 0 to 10 or 11" in fails("eval", model_path, "--data", data_path, "--json", file)
    assert not file.exists()


def test_the_tool_is_the_command(model_path: Path, data_path: Path) -> None:
    command = [sys.executable, ROOT / "tools" / "evaluate.py", model_path, "--data", data_path]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "3 images of val" in output
