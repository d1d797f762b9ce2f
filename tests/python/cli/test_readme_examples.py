"""The README's Python blocks run as they stand."""

import re
from pathlib import Path

import pytest

import itrt

ROOT = Path(__file__).parents[3]


def block(containing: str) -> str:
    """The Python block with this text in it."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (found,) = [text for text in blocks if containing in text]
    return found


@pytest.fixture
def in_a_copy_of_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Examples are there; what is written stays out of the repository."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.skipif("itnet-camvid" not in itrt.packaged_models(), reason="the packaged model is not there")
def test_running_the_packaged_model(in_a_copy_of_the_root: Path) -> None:
    exec(block("itnet-camvid"), {})
    assert (in_a_copy_of_the_root / "labels.png").is_file()


def test_converting_a_network(in_a_copy_of_the_root: Path) -> None:
    pytest.importorskip("torch")
    exec(block("IterativeNetwork"), {"__name__": "__main__"})
    model = itrt.load("tiny.itrt")
    assert (model.classes, model.iterations, model.max_iterations) == (("rest", "road"), 3, None)
    assert (in_a_copy_of_the_root / "labels.png").is_file()
