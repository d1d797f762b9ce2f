"""tools/average_weights.py: every number lies between those of the two networks."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from average_weights import average, main
from itrt.errors import InvalidArgumentError, MissingFileError
from itrt.nn import ItNet, ItNetSettings
from itrt.train import Metadata, load_network, save_network

METADATA = Metadata(
    ("a", "b"), ((0, 0, 0), (1, 1, 1)), 255, (0.5, 0.5, 0.5), (0.2, 0.2, 0.2), epoch=3, validation_miou=(0.5,)
)


def saved(path: Path, seed: int, channels: tuple[int, int, int] = (8, 8, 8)) -> Path:
    torch.manual_seed(seed)
    network = ItNet(ItNetSettings(classes=2, channels=channels, stem_channels=8, iterations=1))
    save_network(path, network, METADATA)
    return path


def test_every_weight_is_averaged(tmp_path: Path) -> None:
    first, second, output = saved(tmp_path / "1.pt", 1), saved(tmp_path / "2.pt", 2), tmp_path / "average.pt"
    average(first, second, 0.75, output)
    found, metadata = load_network(output)
    assert (metadata.epoch, metadata.validation_miou) == (3, ())
    before, after = load_network(first)[0].state_dict(), load_network(second)[0].state_dict()
    assert not before["classifier.weight"].equal(after["classifier.weight"])
    for name, value in found.state_dict().items():
        expected = 0.25 * before[name] + 0.75 * after[name] if value.is_floating_point() else after[name]
        torch.testing.assert_close(value, expected)


def test_other_structures_and_shares_are_told(tmp_path: Path) -> None:
    first, second = saved(tmp_path / "1.pt", 1), saved(tmp_path / "2.pt", 2, channels=(8, 8, 16))
    with pytest.raises(InvalidArgumentError, match=r"2\.pt: expected a network with the structure of .*1\.pt"):
        average(first, second, 0.5, tmp_path / "average.pt")
    with pytest.raises(InvalidArgumentError, match=r"--share: expected a number from 0 to 1, found 2"):
        average(first, first, 2, tmp_path / "average.pt")
    assert not (tmp_path / "average.pt").exists()


def test_a_missing_directory_is_told_before_anything_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["average_weights.py", "1.pt", "2.pt", "-o", str(tmp_path / "none" / "average.pt")])
    with pytest.raises(MissingFileError, match="expected the directory .*none, found none"):
        main()
