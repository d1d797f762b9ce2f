"""tools/ablate.py: trains what is missing, repeats nothing, refuses to mix budgets, writes tables and pictures."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from itrt.planner import GraphMeasures
from itrt.train import ImageSet, synthetic_data, write_synthetic

pytest.importorskip("matplotlib")

import ablate  # draws with matplotlib

TOOL = Path(__file__).parents[3] / "tools" / "ablate.py"
TINY = ("--crop", "32", "48", "--channels", "8", "8", "8", "--reduction", "1", "--seed", "0")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    scenes = synthetic_data(train=3, validation=1, height=48, width=64)
    names = ("A_1.png", "A_2.png", "B_1.png")
    named = dataclasses.replace(scenes, train=ImageSet(scenes.train.images, scenes.train.labels, names))
    return write_synthetic(tmp_path_factory.mktemp("camvid"), named)


@pytest.fixture(autouse=True)
def graphs_without_conversion(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measures as they are, without seconds for an export: tests/python/tools/ablations measures graphs."""
    graph = GraphMeasures(
        network="network", form="looped", height=48, width=64, iterations=4, answers=1, parameters=5000, macs=10**6,
        weight_bytes=6000, held_activation_bytes=7000, peak_activation_bytes=3000,
    )  # fmt: skip
    monkeypatch.setattr("ablations.runs.graph_of", lambda settings, height, width: graph)


def invoke(*arguments: str | Path) -> Result:
    return CliRunner().invoke(ablate.app, [str(argument) for argument in arguments])


def run(data: Path, root: Path, *arguments: str) -> Result:
    directories = ("--directory", root / "work", "--results", root / "results")
    return invoke("run", "outputs", "--data", data, "--leave-out", "B", *directories, *TINY, *arguments)


def report(root: Path, *arguments: str) -> Result:
    files = ("--results", root / "results", "--document", root / "results.md", "--pictures", root / "images")
    return invoke("report", "outputs", "batch-norm", *files, *arguments)


def test_what_is_missing_is_trained_nothing_is_mixed_and_all_is_reported(data: Path, tmp_path: Path) -> None:
    first = run(data, tmp_path, "--epochs", "1")
    assert first.exit_code == 0, first.stderr
    results = sorted((tmp_path / "results").iterdir())
    assert [file.name for file in results] == ["base-0.json", "last-output-0.json"]
    written = [file.stat().st_mtime_ns for file in results]
    again = run(data, tmp_path, "--epochs", "1")
    assert again.stdout == first.stdout
    assert [file.stat().st_mtime_ns for file in results] == written
    mixed = run(data, tmp_path, "--epochs", "2")
    assert mixed.exit_code == 1
    assert "base-0.json: expected a run with budget.epochs = 2" in mixed.stderr
    assert "found one with budget.epochs = 1" in mixed.stderr

    reported = report(tmp_path)
    assert reported.exit_code == 0, reported.stderr
    text = (tmp_path / "results.md").read_text()
    assert "2 images to train and 1 of B, left out of training, to measure" in text
    assert "Missing, since not run yet: after every iteration (seed 1, 2); the last alone (seed 1, 2)." in text
    assert "one an iteration (seed 1, 2); shared (seed 0, 1, 2)." in text
    for name in ("outputs", "batch-norm"):
        assert f"images/ablation-{name}.png" in text
        assert (tmp_path / "images" / f"ablation-{name}.png").read_bytes().startswith(b"\x89PNG")


def test_unknown_names_and_videos_are_told(data: Path, tmp_path: Path) -> None:
    command = [sys.executable, TOOL, "run", "weight", "--data", data, "--directory", tmp_path]
    unknown = subprocess.run(command, capture_output=True, text=True)  # as a user starts it
    assert unknown.returncode == 1
    assert "ablation: expected one of outputs, weights, batch-norm, iterations, found weight" in unknown.stderr
    left_out = run(data, tmp_path, "--leave-out", "C")
    assert left_out.exit_code == 1
    assert "leave_out: expected videos of A, B, found C" in left_out.stderr
