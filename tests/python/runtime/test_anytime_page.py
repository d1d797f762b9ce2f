"""The examples of docs/anytime.md run as they stand, one after another."""

import re
from pathlib import Path

import pytest

import itrt

ROOT = Path(__file__).parents[3]


@pytest.mark.skipif("itnet-camvid" not in itrt.packaged_models(), reason="the packaged model is not there")
def test_the_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("PIL")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "anytime.md").read_text(), re.DOTALL)
    assert len(blocks) == 7
    names: dict[str, object] = {}
    for block in blocks:
        exec(block, names)
    last = names["result"]
    assert isinstance(last, itrt.Result)
    assert last.iterations == 1
    stream = names["stream"]
    assert isinstance(stream, itrt.Stream)
    assert stream.iterations == 4
