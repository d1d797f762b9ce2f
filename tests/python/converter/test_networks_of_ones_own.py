"""Networks by name, with weights from files: the library and the command line; what is wrong leaves no file."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch
from numpy.typing import NDArray
from torch import nn
from typer.testing import CliRunner

from itrt.cli.app import app
from itrt.converter import convert, convert_checkpoint, make_network
from itrt.errors import ConversionError, InvalidArgumentError
from itrt.format import read
from itrt.train import synthetic_data, write_synthetic
from itrt.train.checkpoint import Metadata, save_network
from reference.networks import MEAN, STD, random_image, tiny_network

IMAGES = [random_image(24, 32, seed=1), random_image(21, 37, seed=2)]
SOURCE = """
import torch
from torch import nn
from reference.networks import tiny_network

class Plain(nn.Sequential):
    def __init__(self):
        torch.manual_seed(0)
        super().__init__(nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 5, 1))

class Makers:
    tiny = staticmethod(lambda: tiny_network(2))

ready = Plain()
number = 3
def needs_arguments(classes): return Plain()
def returns_text(): return "a network"
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module in the current directory; each test has its own, for imports are remembered."""
    name = f"networks_of_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    return name


@pytest.mark.parametrize("factory", ["Plain", "ready", "Makers.tiny"])
def test_a_network_has_a_name(module: str, factory: str) -> None:
    assert isinstance(make_network(f"{module}:{factory}"), nn.Module)
    assert type(make_network(f"{module}:{factory}")).__module__ in (module, "reference.networks")


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        ("{}", r"model: expected package.module:factory, found"),
        (":Plain", r"model: expected package.module:factory, found ':Plain'"),
        ("{}.inner:Plain", r"expected a module that can be imported, found ModuleNotFoundError"),
        ("broken:Plain", r"model broken:Plain: expected a module that can be imported, found ZeroDivisionError"),
        ("{}:Absent", r"expected Absent in \w+, found none"),
        ("{}:number", r"expected a function or class that makes a network, found int"),
        ("{}:needs_arguments", r"expected a network from a call without arguments, found TypeError: .*classes"),
        ("{}:returns_text", r"expected a torch.nn.Module, found str"),
    ],
)
def test_names_of_no_network_are_refused(module: str, factory: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("1 / 0")
    with pytest.raises(InvalidArgumentError, match=message):
        make_network(factory.format(module))


def test_only_a_module_and_images_are_needed(tmp_path: Path) -> None:
    network = nn.Conv2d(3, 4, 1)
    program = convert(network, tmp_path / "a.itrt", calibration=IMAGES, example_input=torch.zeros(1, 3, 9, 12)).program
    assert program.classes == ("class 0", "class 1", "class 2", "class 3")
    assert len(set(program.palette)) == 4
    assert program.preprocessing.mean == (0.0, 0.0, 0.0)
    assert program.preprocessing.std == (1.0, 1.0, 1.0)
    numbered = convert(network, tmp_path / "b.itrt", calibration=IMAGES, classes=4, name="a")
    assert numbered.path.read_bytes() == (tmp_path / "a.itrt").read_bytes()


def poisoned(name: str, value: float) -> nn.Module:
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    network.state_dict()[name].view(-1)[1] = value
    return network


@pytest.mark.parametrize(
    ("network", "changes", "error", "message"),
    [
        (
            poisoned("0.weight", np.nan),
            {},
            ConversionError,
            r"Sequential: expected finite weights, .*: 0\.weight$",
        ),
        (poisoned("1.running_var", np.inf), {}, ConversionError, r"NaN or infinite values in .* 1\.running_var$"),
        (nn.Conv2d, {}, InvalidArgumentError, r"network: expected a torch.nn.Module, found type"),
        (None, {"example_input": np.zeros((1, 3, 8, 8))}, InvalidArgumentError, r"example_input: .* found ndarray"),
        (None, {"example_input": torch.zeros(3, 8, 8)}, InvalidArgumentError, r"found torch.float32 \(3, 8, 8\)"),
        (None, {"example_input": torch.zeros(1, 1, 8, 8)}, InvalidArgumentError, r"found .* \(1, 1, 8, 8\)"),
        (
            None,
            {"example_input": torch.zeros(1, 3, 8, 8, dtype=torch.uint8)},
            InvalidArgumentError,
            r"expected a finite float tensor .* found torch.uint8",
        ),
        (None, {"example_input": torch.full((1, 3, 8, 8), torch.nan)}, InvalidArgumentError, r"found NaN or infinite"),
        (None, {"calibration": []}, InvalidArgumentError, r"calibration: expected at least one image, found none"),
        (
            None,
            {"calibration": iter(())},
            InvalidArgumentError,
            r"calibration: expected at least one image, found none",
        ),
        (None, {"classes": 3}, InvalidArgumentError, r"classes: expected 4 names, as many as logits, found 3"),
        (None, {"classes": 0}, InvalidArgumentError, r"classes: expected 1 to 65536, found 0"),
        (
            None,
            {"classes": 4.0},
            InvalidArgumentError,
            r"classes: expected a sequence of names .*, found 4\.0",
        ),
        (None, {"palette": [(0, 0, 0)]}, InvalidArgumentError, r"palette: expected 4 colors, one a class, found 1"),
        (
            nn.Conv2d(3, 4, 5),
            {"calibration": [IMAGES[0], IMAGES[0][:3, :30].copy()]},
            ConversionError,
            r"calibration image of 3x30: expected a size that the network can process, found ",
        ),
    ],
)
def test_what_is_wrong_is_one_error_and_leaves_no_file(
    network: Any, changes: dict[str, Any], error: type[Exception], message: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message):
        convert(network or nn.Conv2d(3, 4, 1), tmp_path / "a.itrt", **{"calibration": IMAGES, **changes})
    assert list(tmp_path.iterdir()) == []


def test_memory_does_not_grow_with_the_images(tmp_path: Path) -> None:
    """Of any number of images, the first 8, which equalization sees twice, are held, and the one at work."""
    alive: weakref.WeakSet[Any] = weakref.WeakSet()
    most = []

    class Image(np.ndarray):  # an array that can be referred to weakly and told apart
        __hash__ = object.__hash__  # type: ignore[assignment]

    def images() -> Iterator[NDArray[np.uint8]]:
        for seed in range(14):
            image = random_image(16, 16, seed).view(Image)
            alive.add(image)
            gc.collect()
            most.append(len(alive))
            yield image
            del image

    convert(nn.Conv2d(3, 2, 1), tmp_path / "a.itrt", calibration=images(), parity_images=2)
    assert len(most) == 14
    assert max(most) <= 8 + 2  # those, two of them for the report, one that was just observed, and the new one


@pytest.fixture
def command(module: str, tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """Run ``itrt convert -o model.itrt --calibrate images`` with more arguments; {} stands for the module."""
    (tmp_path / "images").mkdir()
    for index, image in enumerate(IMAGES):
        PIL.Image.fromarray(image).save(tmp_path / "images" / f"{index}.png")

    def run(*arguments: object, calibrate: str = "images") -> tuple[int, str]:
        given = [str(argument).format(module) for argument in arguments]
        result = CliRunner().invoke(app, ["convert", "-o", "model.itrt", "--calibrate", calibrate, *given])
        return result.exit_code, result.output

    return run


def test_the_command_converts_what_a_factory_makes(command: Callable[..., tuple[int, str]], module: str) -> None:
    weights = {name: value.clone() for name, value in make_network(f"{module}:Plain").state_dict().items()}
    weights["3.bias"] += 1
    torch.save({"state_dict": {**weights, "aux.weight": torch.ones(1)}}, "weights.pth")
    options = ("--model", "{}:Plain", "--checkpoint", "weights.pth", "--ignore-keys", "aux.*")
    normalization = ("--mean", 0.1, 0.2, 0.3, "--std", 0.4, 0.5, 0.6)
    plain = ("--equalize", "off", "--correct-bias", "off")  # as without images for the parity report, below
    code, text = command(*options, *normalization, *plain, "--classes", "sky, road,tree,car,sign")
    assert code == 0, text
    assert "equal labels" in text
    program = read(Path("model.itrt"))
    assert program.classes == ("sky", "road", "tree", "car", "sign")
    assert (program.preprocessing.mean, program.preprocessing.std) == ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    made = Path("model.itrt").read_bytes()
    network = make_network(f"{module}:Plain")
    network.load_state_dict(weights)
    arguments = {"mean": (0.1, 0.2, 0.3), "std": (0.4, 0.5, 0.6), "classes": program.classes, "parity_images": 0}
    by_hand = convert(network, "other.itrt", calibration=IMAGES, name="model", **arguments)  # type: ignore[arg-type]
    assert made == by_hand.path.read_bytes()


def test_the_command_needs_no_checkpoint_for_a_network_with_weights(command: Callable[..., tuple[int, str]]) -> None:
    code, text = command("--model", "{}:ready", "--classes", 5)
    assert code == 0, text
    assert read(Path("model.itrt")).classes == ("class 0", "class 1", "class 2", "class 3", "class 4")


def test_a_data_set_names_the_classes(command: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    data = synthetic_data(train=2, validation=1, height=24, width=32)
    write_synthetic(tmp_path / "camvid", data)
    (tmp_path / "eleven.py").write_text(
        "import torch\nfrom torch import nn\ndef network():\n    torch.manual_seed(0)\n    return nn.Conv2d(3, 11, 1)\n"
    )
    code, text = command("--model", "eleven:network", calibrate="camvid")
    assert code == 0, text
    row = next(line.split() for line in text.splitlines() if line.split()[:1] == ["1"])
    assert "-" not in row  # a mean IoU, for the labels mean the network's classes
    program = read(Path("model.itrt"))
    assert program.classes == data.class_names
    assert program.palette == data.palette
    code, text = command("--model", "eleven:network", "--classes", 11, calibrate="camvid")
    assert code == 0, text
    row = next(line.split() for line in text.splitlines() if line.split()[:1] == ["1"])
    assert row[-2:] == ["-", "-"]


def test_a_checkpoint_of_a_network_of_ones_own(command: Callable[..., tuple[int, str]]) -> None:
    classes, palette = tuple("abcde"), tuple((index, 0, 0) for index in range(5))
    save_network("network.pt", tiny_network(2), Metadata(classes, palette, 255, MEAN, STD, epoch=3))
    code, text = command("network.pt", "--model", "{}:Makers.tiny")
    assert code == 0, text
    assert (read(Path("model.itrt")).classes, read(Path("model.itrt")).preprocessing.mean) == (classes, MEAN)
    made = Path("model.itrt").read_bytes()
    convert_checkpoint("network.pt", "other.itrt", calibration=IMAGES, network=tiny_network(2), name="model")
    assert made == Path("other.itrt").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "expected a CHECKPOINT of itrt train or --model, found neither"),
        (("--model", "{}:Plain", "--checkpoint", "none.pth"), "checkpoint: expected a file, found none at none.pth"),
        (("--model", "{}:Plain", "--checkpoint", "other.pth"), "found 8 missing: 0.weight"),
        (("--model", "{}:Plain", "--checkpoint", "text.pth"), "text.pth: expected a checkpoint, found a truncated"),
        (("--model", "{}:Absent"), "expected Absent in"),
        (("--model", "{}:Plain", "--classes", "a,b"), "classes: expected 5 names, as many as logits, found 2"),
        (("--model", "{}:Plain", "--std", 0, 1, 1), "std: expected positive numbers"),
        (("other.pth", "--classes", "a,b"), "--classes: expected without a CHECKPOINT of itrt train, found other.pth"),
        (("other.pth", "--ignore-keys", "a"), "--ignore-keys: expected without a CHECKPOINT"),
    ],
)
def test_the_commands_errors_leave_no_file(
    command: Callable[..., tuple[int, str]], arguments: tuple[object, ...], message: str
) -> None:
    torch.save({"weight": torch.ones(3), "bias": torch.ones(3)}, "other.pth")
    Path("text.pth").write_text("no weights")
    code, text = command(*arguments)
    assert code == 1, text
    assert message in text
    assert not Path("model.itrt").exists()
