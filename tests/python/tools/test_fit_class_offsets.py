"""Class offsets: they undo a bias, leave what is right alone, and the tool writes what it measured."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

import fit_class_offsets
from itrt.errors import InvalidArgumentError
from itrt.nn import ItNet, ItNetSettings
from itrt.train import Metadata, load_network, save_network, synthetic_data, write_synthetic
from itrt.train.class_offsets import fit_class_offsets as fit
from itrt.train.class_offsets import sample_logits

SETTINGS = ItNetSettings(channels=(8, 8, 8), stem_channels=8, iterations=2)
NORMALIZATION = {"mean": (0.5, 0.5, 0.5), "standard_deviation": (0.25, 0.25, 0.25)}


def noisy_logits(pixels: int = 20000) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 3, (pixels,), generator=generator)
    logits = torch.randn(3, pixels, generator=generator) + 2 * torch.nn.functional.one_hot(labels, 3).T
    return logits, labels


def test_a_bias_is_undone_and_nothing_else_is_changed() -> None:
    logits, labels = noisy_logits()
    assert fit(logits, labels).tolist() == [0, 0, 0]
    biased = logits + torch.tensor([[0.0], [1.5], [0.0]])
    offsets = fit(biased, labels)
    relative = offsets - offsets.mean() + 0.5  # the same number on all logits changes nothing
    torch.testing.assert_close(relative, torch.tensor([0.5, -1.0, 0.5]) + 0.5, atol=0.3, rtol=0)


def test_a_penalty_keeps_offsets_small() -> None:
    logits, labels = noisy_logits()
    biased = logits + torch.tensor([[0.0], [1.5], [0.0]])
    norms = [float(fit(biased, labels, penalty).norm()) for penalty in (0.0, 0.02, 10.0)]
    assert norms[0] > norms[1] > norms[2] == 0


def test_logits_are_those_of_labelled_pixels() -> None:
    data = synthetic_data(train=2, validation=1, height=48, width=64)
    for label in data.train.labels:
        label[:, :32] = data.ignore_index
    torch.manual_seed(0)
    logits, labels = sample_logits(ItNet(SETTINGS), data, **NORMALIZATION, stride=4)
    kept = [torch.from_numpy(label)[2::4, 2::4].long().flatten() for label in data.train.labels]
    expected = torch.cat([values[values != data.ignore_index] for values in kept])
    assert labels.equal(expected)
    assert logits.shape == (11, len(expected))
    assert 0 < len(expected) <= 2 * 12 * 8


@pytest.fixture
def camvid(tmp_path: Path) -> Path:
    return write_synthetic(tmp_path / "data", synthetic_data(train=4, validation=2, height=48, width=64))


def saved(path: Path, class_names: tuple[str, ...]) -> Path:
    torch.manual_seed(0)
    scenes = synthetic_data(train=1, validation=1, height=16, width=16)
    metadata = Metadata(class_names, scenes.palette, scenes.ignore_index, **NORMALIZATION)
    save_network(path, ItNet(SETTINGS), metadata)
    return path


def test_the_tool_shifts_the_bias_alone(
    tmp_path: Path, camvid: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = synthetic_data(train=1, validation=1, height=16, width=16).class_names
    network, written = saved(tmp_path / "network.pt", names), tmp_path / "shifted.pt"
    monkeypatch.setattr(sys, "argv", ["fit", str(network), "--data", str(camvid), "--penalty", "0", "-o", str(written)])
    fit_class_offsets.main()
    before, (after, metadata) = load_network(network)[0].state_dict(), load_network(written)
    changed = {name for name, value in after.state_dict().items() if not value.equal(before[name])}
    assert changed == {"classifier.bias"}
    assert len(metadata.validation_miou) == 2
    assert f"{100 * metadata.validation_miou[-1]:.2f}" in capsys.readouterr().out


def test_a_network_of_other_classes_is_refused(tmp_path: Path, camvid: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = saved(tmp_path / "network.pt", tuple("abcdefghijk"))
    monkeypatch.setattr(sys, "argv", ["fit", str(network), "--data", str(camvid), "-o", str(tmp_path / "x.pt")])
    with pytest.raises(InvalidArgumentError, match=r"--data: expected the network's classes, a, b"):
        fit_class_offsets.main()
    assert not (tmp_path / "x.pt").exists()
