"""itrt export."""

from collections.abc import Callable
from pathlib import Path

import pytest

import itrt as library

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def test_export_writes_and_compares(itrt, model_path: Path, image_path: Path, tmp_path: Path) -> None:
    images, target = tmp_path / "images", tmp_path / "small.onnx"
    images.mkdir()
    image_path.rename(images / image_path.name)
    outcome = itrt("export", model_path, "-o", target, "-k", 3, "--size", "61x83", "--check", images)
    assert outcome.exit_code == 0, outcome.stderr
    assert f"wrote {target}: " in outcome.stdout
    rows = {line.split("  ")[0].strip(): line for line in outcome.stdout.splitlines()}
    assert "1, 0.01 M pixels" in rows["images"]
    for row in ("equal labels", "equal logits"):
        assert 99 <= float(rows[row].split()[-2]) <= 100
    assert ("largest difference" in rows) == ("100.0000 %" not in rows["equal logits"])
    graph = onnx.load(target).graph
    assert [output.name for output in graph.output] == ["labels", "logits"]
    assert [extent.dim_value for extent in graph.input[0].type.tensor_type.shape.dim] == [61, 83, 3]


def test_export_of_one_answer(itrt, model_path: Path, tmp_path: Path) -> None:
    target = tmp_path / "small.onnx"
    outcome = itrt("export", model_path, "--output", target, "--answer", "logits")
    assert outcome.exit_code == 0, outcome.stderr
    assert [output.name for output in onnx.load(target).graph.output] == ["logits"]
    assert "equal" not in outcome.stdout
    assert f"iterations{library.load(model_path).iterations}" in "".join(
        entry.key + entry.value for entry in onnx.load(target).metadata_props
    )


def test_export_refuses(fails: Callable[..., str], model_path: Path, tmp_path: Path) -> None:
    target = tmp_path / "small.onnx"
    assert "iterations: expected 1 to 3, found 9" in fails("export", model_path, "-o", target, "-k", 9)
    assert "expected a name that ends in .onnx" in fails("export", model_path, "-o", tmp_path / "small.itrt2")
    assert "--size: expected height and width" in fails("export", model_path, "-o", target, "--size", "61")
    assert "outputs: expected labels" in fails("export", model_path, "-o", target, "--answer", "colours")
    assert "--check: expected a directory" in fails("export", model_path, "-o", target, "--check", tmp_path / "none")
    assert "expected a file or a packaged model" in fails("export", tmp_path / "none.itrt", "-o", target)
    assert not target.exists()
