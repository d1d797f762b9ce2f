"""itrt bench model, without peers."""

import json
from pathlib import Path

import pytest

from itrt.bench import runtimes

pytest.importorskip("torch")


@pytest.fixture(autouse=True)
def without_peers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Peers that are installed would only make the tests slow."""
    absent = runtimes.Runtime("Absent", "absent", ("no_such_module",), "none", "none")
    monkeypatch.setattr(runtimes, "PEERS", (absent,))


def test_an_untrained_network_needs_no_data(itrt, tmp_path: Path) -> None:
    target = tmp_path / "comparison.json"
    options = ("--network", "itnet", "--iterations", 2, "--channels", 8, 8, 8, "--images", 1, "-k", 1, "-k", 2)
    effort = ("--size", "32x48", "--threads", 1, "--threads", 2, "--turns", 1, "--calls", 1, "--fit", 2, "--fresh", 1)
    outcome = itrt("bench", "model", *options, *effort, "--json", target)
    assert outcome.exit_code == 0, outcome.stderr
    assert "ItNet, untrained, made for 2 iterations" in outcome.stdout
    for title in ("32x48, 1 thread", "32x48, 2 threads", "2 threads against 1", "time = rest + k * iteration"):
        assert title in outcome.stdout
    assert "skipped: Absent: not installed: no_such_module" in outcome.stdout
    found = json.loads(target.read_text())
    assert [(row["threads"], row["iterations"]) for row in found["measurements"]] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert found["environment"]["cpu"] in outcome.stdout
    assert found["skipped"] == {"Absent": "not installed: no_such_module"}
    assert [row["runtime"] for row in found["starts"]] == ["Python and numpy alone", "itrt"]


def test_a_checkpoint_is_measured_at_its_iterations(itrt, data_path: Path, image_path: Path, tmp_path: Path) -> None:
    output = tmp_path / "training"
    options = ("--epochs", 1, "--batch-size", 2, "--crop", 48, 64, "--channels", 8, 8, 8, "--iterations", 2)
    assert itrt("train", "--data", data_path, "--output", output, *options).exit_code == 0
    arguments = ("--image", image_path, "--turns", 1, "--calls", 1, "--fresh", 0, "--size", "32x48", "--size", "64x48")
    target = tmp_path / "comparison.json"
    outcome = itrt("bench", "model", output / "network.pt", *arguments, "--json", target)
    assert outcome.exit_code == 0, outcome.stderr
    found = json.loads(target.read_text())
    assert {row["iterations"] for row in found["measurements"]} == {1, 2}
    assert found["itrt_lines"][0]["counts"] == [1, 2]
    assert "an iteration's time a pixel" in outcome.stdout
    assert found["starts"] == []


def test_wrong_arguments(fails, image_path: Path, tmp_path: Path) -> None:
    assert "expected one of a checkpoint, --network, --model, found none" in fails("bench", "model")
    network = ("bench", "model", "--network", "itnet")
    assert "found a checkpoint and --network" in fails(*network[:2], image_path, *network[2:])
    assert "--network: expected one of itnet, found unet" in fails("bench", "model", "--network", "unet")
    assert "--size: expected height and width" in fails(*network, "--size", "360")
    assert "peer: expected one of Absent, found 'faster'" in fails(*network, "--peer", "faster")
    assert "expected the directory" in fails(*network, "--json", tmp_path / "none" / "out.json")
    assert "expected --calibrate or --image" in fails("bench", "model", image_path)
    assert "expected a checkpoint, found no such file" in fails("bench", "model", "none.pt", "--image", image_path)


def test_a_network_of_a_factory(itrt, fails, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("small.py").write_text(
        "from torch import nn\n"
        "def network():\n"
        "    first = nn.Conv2d(3, 8, 3, stride=2, padding=1)\n"
        "    return nn.Sequential(first, nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 4, 1))\n"
    )
    arguments = ("bench", "model", "--model", "small:network", "--size", "24x32", "--images", 1)
    effort = ("--turns", 1, "--calls", 1, "--fresh", 0)
    outcome = itrt(*arguments, *effort, "--json", "comparison.json")
    assert outcome.exit_code == 0, outcome.stderr
    found = json.loads(Path("comparison.json").read_text())
    assert [(row["runtime"], row["iterations"]) for row in found["measurements"]] == [("itrt", 1)]
    assert found["measurements"][0]["equal_to_float"] > 0.9
    assert "expected 1, for small:network has no loop, found 2" in fails(*arguments, "-k", 2)
    assert "found --network and --model" in fails(*arguments, "--network", "itnet")
