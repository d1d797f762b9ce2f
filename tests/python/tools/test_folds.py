"""tools/folds.py: trains what is missing, repeats nothing, refuses to mix recipes, prints both tables."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

import folds
from itrt.errors import ItrtError
from itrt.train import ImageSet, synthetic_data, write_synthetic

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
    return ["--data", str(data), "--output", str(output), "--videos", "A", "B", "--", *arguments]


def test_what_is_missing_is_trained_and_everything_is_shown(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folds.main(command_line(data, tmp_path, *TINY))
    first = capsys.readouterr().out
    lines = [line.split() for line in first.splitlines() if line.split()]
    assert [line[:2] for line in lines if line[1:2] == ["all"]] == [["A", "all"], ["B", "all"], ["all", "all"]]
    assert ["bicyclist"] in [line[:1] for line in lines]
    (tmp_path / "A-0" / "network.pt").unlink()  # as if it had been stopped before its last file
    kept = (tmp_path / "B-0" / "network.pt").stat().st_mtime_ns
    folds.main(command_line(data, tmp_path, *TINY))
    assert capsys.readouterr().out == first
    assert (tmp_path / "A-0" / "network.pt").exists()
    assert (tmp_path / "B-0" / "network.pt").stat().st_mtime_ns == kept


def test_other_recipes_and_failed_trainings_are_told(data: Path, tmp_path: Path) -> None:
    with pytest.raises(ItrtError, match=r"light: expected at least 0, found -1\.0"):
        folds.main(command_line(data, tmp_path, "--epochs", "1", "--light", "-1"))
    command = [sys.executable, str(TOOL), *command_line(data, tmp_path, "--epochs", "2")]
    mixed = subprocess.run(command, capture_output=True, text=True)  # as a user starts it
    assert mixed.returncode == 1
    assert "found runs with '--epochs 1 --light -1'" in mixed.stderr
