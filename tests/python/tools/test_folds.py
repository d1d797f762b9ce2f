"""tools/folds.py: trains what is missing, repeats nothing, refuses to mix recipes, prints both tables."""

import dataclasses
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import fold_scores
import folds
import itrt
from itrt.errors import ItrtError
from itrt.train import ConfusionMatrix, ImageSet, leave_out, load_data, synthetic_data, write_synthetic

TOOL = Path(__file__).parents[3] / "tools" / "folds.py"
TINY = (
    "--epochs", "1", "--crop", "32", "48", "--channels", "8", "8", "8", "--iterations", "2", "--batch-size", "1",
    "--threads", "1",
)  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    scenes = synthetic_data(train=3, validation=1, height=48, width=64)
    names = ("A_1.png", "A_2.png", "B_1.png")
    named = dataclasses.replace(scenes, train=ImageSet(scenes.train.images, scenes.train.labels, names))
    return write_synthetic(tmp_path_factory.mktemp("camvid"), named)


def command_line(data: Path, output: Path, *arguments: str) -> list[str]:
    own = ["--data", str(data), "--dataset", "camvid", "--output", str(output), "--videos", "A", "B"]
    return [*own, "--", *arguments]


def test_what_is_missing_is_trained_and_everything_is_shown(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folds.main(command_line(data, tmp_path, *TINY))
    first = capsys.readouterr().out
    lines = [line.split() for line in first.splitlines() if line.split()]
    assert [line[:2] for line in lines if line[1:2] == ["all"]] == [["A", "all"], ["B", "all"], ["all", "all"]]
    assert ["bicyclist"] in [line[:1] for line in lines]
    (tmp_path / "A-0" / "network.pt").unlink()  # as if it had been stopped before its last file
    kept = (tmp_path / "B-0" / "network.pt").stat().st_mtime_ns
    calibrated: list[bytes] = []
    monkeypatch.setattr(fold_scores, "convert_checkpoint", refusing_to_convert(calibrated))
    folds.main(command_line(data, tmp_path, *TINY))
    assert capsys.readouterr().out == first
    assert (tmp_path / "A-0" / "network.pt").exists()
    assert (tmp_path / "B-0" / "network.pt").stat().st_mtime_ns == kept

    fold = leave_out(load_data(data), ["A"])
    score = fold_scores.measure(tmp_path / "A-0", fold)
    assert score.int8_mean_iou[-1] == pytest.approx(mean_iou_of(tmp_path / "A-0" / "network.itrt", fold.validation))
    row = next(line for line in lines if line[:2] == ["A", "0"])
    assert [float(cell) for cell in row[-4:]] == pytest.approx([100 * value for value in score.columns], abs=0.0051)
    other = leave_out(load_data(data), ["B"])
    with pytest.raises(ItrtError, match="converted again"):  # what is kept is of other images
        fold_scores.measure(tmp_path / "A-0", other)
    assert sorted(calibrated) == sorted(image.tobytes() for image in other.train.images)


def refusing_to_convert(calibrated: list[bytes]) -> Callable[..., None]:
    def convert(network: Path, path: Path, *, calibration: Iterable[NDArray[np.uint8]]) -> None:
        calibrated.extend(image.tobytes() for image in calibration)
        raise ItrtError(f"{network}: converted again to {path}")

    return convert


def mean_iou_of(model: Path, images: ImageSet) -> float:
    matrix = ConfusionMatrix(11, 11)
    loaded = itrt.load(model)
    for image, label in zip(images.images, images.labels, strict=True):
        matrix.update(loaded.run(image).labels, label)
    return matrix.mean_iou()


def test_other_recipes_and_failed_trainings_are_told(data: Path, tmp_path: Path) -> None:
    with pytest.raises(ItrtError, match=r"light: expected at least 0, found -1\.0"):
        folds.main(command_line(data, tmp_path, "--epochs", "1", "--light", "-1"))
    command = [sys.executable, str(TOOL), *command_line(data, tmp_path, "--epochs", "2")]
    mixed = subprocess.run(command, capture_output=True, text=True)  # as a user starts it
    assert mixed.returncode == 1
    assert "found runs with '--epochs 1 --light -1'" in mixed.stderr
