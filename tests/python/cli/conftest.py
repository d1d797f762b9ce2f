"""A small model, an image, a data set, and a way to run the command line."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image as PillowImage
from typer.testing import CliRunner

from itrt.cli.app import app
from itrt.format import write
from itrt.train import synthetic_data, write_synthetic
from reference.small_program import small_program


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    exit_code: int
    stdout: str
    stderr: str


Run = Callable[..., Outcome]


@pytest.fixture
def itrt() -> Run:
    """Run ``itrt`` with these arguments."""

    def run(*arguments: object) -> Outcome:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception  # a traceback is never what a user should see
        return Outcome(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def fails(itrt: Run) -> Callable[..., str]:
    """Run ``itrt`` and return its error message: one on stderr, with exit code 1, and nothing on stdout."""

    def run(*arguments: object) -> str:
        outcome = itrt(*arguments)
        assert outcome.exit_code == 1, outcome
        assert outcome.stdout.strip() == ""
        assert outcome.stderr.startswith("error: ")
        assert "Traceback" not in outcome.stderr
        return outcome.stderr

    return run


@pytest.fixture
def model_path(tmp_path: Path) -> Path:
    """A model of 11 classes that was made for 2 iterations and can run 3."""
    path = tmp_path / "small.itrt"
    write(small_program(), path)
    return path


@pytest.fixture
def image_path(tmp_path: Path) -> Path:
    """A street scene of 61x83."""
    scene = synthetic_data(train=1, validation=0, height=61, width=83).train.images[0]
    path = tmp_path / "street.png"
    PillowImage.fromarray(scene).save(path)
    return path


@pytest.fixture
def data_path(tmp_path: Path) -> Path:
    """A data set in CamVid's layout: 2 images to learn from, 3 to measure on."""
    return write_synthetic(tmp_path / "camvid", synthetic_data(train=2, validation=3, height=60, width=80))
