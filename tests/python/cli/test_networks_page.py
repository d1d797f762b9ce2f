"""The examples of docs/networks.md run as they stand."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from itrt.format import read

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "networks.md").read_text()


def block(language: str, containing: str) -> str:
    """The block in this language with this text in it."""
    blocks = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    (found,) = [text for text in blocks if containing in text]
    return found


@pytest.fixture
def in_a_copy_of_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Examples are there; what is written stays out of the repository."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_network_of_ones_own_is_converted_and_run(itrt: Callable, in_a_copy_of_the_root: Path) -> None:
    pytest.importorskip("torch")
    source = block("python", "IterativeNetwork")
    assert len(source.splitlines()) <= 30
    (in_a_copy_of_the_root / "refiner.py").write_text(source)
    commands = [shlex.split(line) for line in block("sh", "refiner:Refiner").splitlines()]
    assert [command[:2] for command in commands] == [["itrt", "convert"], ["itrt", "run"]]
    for command in commands:
        outcome = itrt(*command[1:])
        assert outcome.exit_code == 0, outcome.stderr
    program = read(in_a_copy_of_the_root / "refiner.itrt")
    assert (program.classes, program.iterations) == (("rest", "road"), 3)
    assert (in_a_copy_of_the_root / "labels.png").is_file()


def test_weights_are_loaded(in_a_copy_of_the_root: Path) -> None:
    torch = pytest.importorskip("torch")
    from itrt.nn import DeepLabV3ResNet50

    with torch.device("meta"):
        network = DeepLabV3ResNet50()
    weights = {name: torch.zeros_like(value, device="cpu") for name, value in network.state_dict().items()}
    torch.save(weights, "deeplabv3_resnet50.pth")
    found: dict[str, object] = {}
    exec(block("python", "DeepLabV3ResNet50"), found)
    assert not found["network"].backbone.conv1.weight.any()  # type: ignore[attr-defined]
