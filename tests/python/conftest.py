"""What tests of several parts share."""

import pytest


@pytest.fixture
def few_scenes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the data set "synthetic" have 4 scenes to learn from and 2 to measure on: drawing all takes seconds."""
    monkeypatch.setattr("itrt.train.data.synthetic.scenes._SPLITS", {"train": 4, "val": 2, "test": 2})
