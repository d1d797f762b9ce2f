"""What tests of several parts share."""

import signal

import pytest


def pytest_configure() -> None:
    """Let Ctrl-C be heard: a shell starts background jobs with SIGINT ignored, and Python then leaves it so."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def few_scenes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the data set "synthetic" have 4 scenes to learn from and 2 to measure on: drawing all takes seconds."""
    monkeypatch.setattr("itrt.train.data.synthetic.scenes._SPLITS", {"train": 4, "val": 2, "test": 2})
