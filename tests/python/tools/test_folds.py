"""tools/folds.py: trains what is missing, repeats nothing, refuses to mix recipes, prints both tables."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

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


def folds(data: Path, output: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(TOOL), "--data", str(data), "--output", str(output), "--videos", "A", "B"]
    return subprocess.run([*command, *arguments], capture_output=True, text=True)


def test_what_is_missing_is_trained_and_everything_is_shown(data: Path, tmp_path: Path) -> None:
    first = folds(data, tmp_path, "--", *TINY)
    assert first.returncode == 0, first.stderr
    lines = [line.split() for line in first.stdout.splitlines() if line.split()]
    assert [line[:2] for line in lines if line[1:2] == ["all"]] == [["A", "all"], ["B", "all"], ["all", "all"]]
    assert ["bicyclist"] in [line[:1] for line in lines]
    (tmp_path / "A-0" / "network.pt").unlink()  # as if it had been stopped before its last file
    kept = (tmp_path / "B-0" / "network.pt").stat().st_mtime_ns
    again = folds(data, tmp_path, "--", *TINY)
    assert again.stdout == first.stdout
    assert (tmp_path / "A-0" / "network.pt").exists()
    assert (tmp_path / "B-0" / "network.pt").stat().st_mtime_ns == kept


def test_other_recipes_and_failed_trainings_are_told(data: Path, tmp_path: Path) -> None:
    failed = folds(data, tmp_path, "--", "--epochs", "1", "--light", "-1")
    assert failed.returncode == 1
    assert "light: expected at least 0, found -1.0" in failed.stderr
    mixed = folds(data, tmp_path, "--", "--epochs", "2")
    assert mixed.returncode == 1
    assert "found runs with '--epochs 1 --light -1'" in mixed.stderr
