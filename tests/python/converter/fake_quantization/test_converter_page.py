"""The example of docs/converter.md runs as it stands."""

import re
from pathlib import Path

import pytest
import torch

from itrt import load
from itrt.converter import FakeQuantizedNetwork

ROOT = Path(__file__).parents[4]


def test_the_example_trains_and_converts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "converter.md").read_text(), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    torch.manual_seed(0)
    exec(block, names)
    prepared, image, normalized = names["prepared"], names["image"], names["normalized"]
    assert isinstance(prepared, FakeQuantizedNetwork)
    assert isinstance(normalized, torch.Tensor)
    assert float(prepared.scales.log2_ratio.detach().abs().max()) > 0.0
    logits = load("trained.itrt").run(image, iterations=2).logits()  # type: ignore[arg-type]
    assert torch.equal(prepared(normalized.double())[-1][0].detach().float(), torch.tensor(logits))
