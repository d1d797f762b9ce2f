"""Weights from files and into networks: what differs is named, nothing is half loaded."""

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from itrt.errors import CheckpointError, MissingDependencyError, MissingFileError
from itrt.nn import load_weights, read_weights


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Conv2d(4, 2, 1))


def weights() -> dict[str, Tensor]:
    torch.manual_seed(1)
    return {
        name: value + torch.rand_like(value) if value.is_floating_point() else value + 7
        for name, value in network().state_dict().items()
    }


def test_every_tensor_is_loaded() -> None:
    loaded = network()
    load_weights(loaded, weights(), source="a file")
    for name, value in loaded.state_dict().items():
        assert value.equal(weights()[name]), name


def test_counters_of_batches_may_be_missing() -> None:
    loaded = network()
    load_weights(loaded, {k: v for k, v in weights().items() if "num_batches" not in k}, source="an old file")
    assert loaded[1].running_mean.equal(weights()["1.running_mean"])
    assert int(loaded[1].num_batches_tracked) == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("1.weight"), r"a file: expected the weights of this Sequential, found 1 missing: 1\.weight$"),
        (lambda w: w.update(head=torch.ones(1)), r"found 1 surplus: head$"),
        (
            lambda w: w.update({"0.bias": torch.ones(5)}),
            r"1 of another shape: 0.bias of shape \(5,\) instead of \(4,\)$",
        ),
        (lambda w: w["2.weight"].view(-1)[1].fill_(torch.nan), r"1 with NaN or infinite values: 2\.weight$"),
        (lambda w: w["1.running_var"][0].fill_(torch.inf), r"1 with NaN or infinite values: 1\.running_var$"),
        (lambda w: w.update({"0.bias": 3}), r"1 no tensor: 0\.bias$"),
        (
            lambda w: w.update({f"aux.{i}": torch.ones(1) for i in range(12)}),
            r"found 12 surplus: aux\.0, .*, aux\.9 and 2 more$",
        ),
    ],
)
def test_a_difference_is_named_and_nothing_is_loaded(change: Any, message: str) -> None:
    wrong = weights()
    change(wrong)
    unchanged = network()
    with pytest.raises(CheckpointError, match=message):
        load_weights(unchanged, wrong, source="a file")
    for name, value in unchanged.state_dict().items():
        assert value.equal(network().state_dict()[name]), name


def test_all_differences_are_one_error() -> None:
    wrong = {f"module.{name}": value for name, value in weights().items()}
    wrong["2.bias"] = torch.full((2,), torch.nan)
    with pytest.raises(
        CheckpointError, match=r"7 missing: 0\.weight, .*; 9 surplus: module\..*; 1 with NaN .*: 2\.bias"
    ):
        load_weights(network(), wrong, source="a file")


def test_surplus_names_are_ignored_where_that_is_asked_for() -> None:
    surplus = {
        **weights(),
        "aux.0.weight": torch.ones(1),
        "aux.1.bias": torch.full((1,), torch.nan),
        "fc": torch.ones(1),
    }
    loaded = network()
    load_weights(loaded, surplus, source="a file", ignore=("aux.*", "fc"))
    assert loaded[0].weight.equal(surplus["0.weight"])
    with pytest.raises(CheckpointError, match=r"found 1 surplus: fc$"):
        load_weights(loaded, surplus, source="a file", ignore=("aux.*",))
    with pytest.raises(CheckpointError, match=r"found 2 missing: 0\.weight, 0\.bias$"):
        load_weights(loaded, weights(), source="a file", ignore=("0.*",))


@pytest.mark.parametrize("wrap", [lambda w: w, lambda w: {"state_dict": w, "epoch": 3}, lambda w: {"model": w}])
def test_reading_a_state_dict_or_a_dictionary_with_one(wrap: Any, tmp_path: Path) -> None:
    torch.save(wrap(weights()), tmp_path / "weights.pth")
    found = read_weights(tmp_path / "weights.pth")
    assert found.keys() == weights().keys()
    assert all(value.equal(weights()[name]) for name, value in found.items())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"epoch": 3, "net": {}}, r"dictionary of tensors, or one under 'state_dict', .*, found the keys epoch, net$"),
        ({"model": {"a": 1}}, r"found the keys model$"),
        ([torch.ones(1)], r"found list$"),
        (torch.nn.Identity(), r"truncated or foreign"),  # a pickled object: never executed
    ],
)
def test_files_without_a_state_dict_are_refused(content: object, message: str, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "weights.pth")
    with pytest.raises(CheckpointError, match=rf"weights.pth: expected a .*{message}"):
        read_weights(tmp_path / "weights.pth")


@pytest.mark.parametrize("name", ["weights.pth", "weights.safetensors"])
def test_files_that_are_not_there(name: str, tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=rf"{name}: expected a checkpoint, found no such file"):
        read_weights(tmp_path / name)


def test_safetensors(tmp_path: Path) -> None:
    save_file = pytest.importorskip("safetensors.torch").save_file
    path = tmp_path / "weights.safetensors"
    save_file(weights(), path)
    assert all(value.equal(weights()[name]) for name, value in read_weights(path).items())
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(CheckpointError, match=r"weights.safetensors: expected a checkpoint, found a truncated"):
        read_weights(path)


def test_safetensors_that_are_not_installed_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "safetensors", None)  # importing it fails
    (tmp_path / "weights.safetensors").write_bytes(b"\0")
    with pytest.raises(MissingDependencyError, match=r"expected the package safetensors, .* pip install safetensors"):
        read_weights(tmp_path / "weights.safetensors")
