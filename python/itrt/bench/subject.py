"""The network that is compared: in float, with the images that every runtime is calibrated with."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import PIL.Image
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from itrt.bench.builders.deployed import LabelNetwork, LogitNetwork
from itrt.converter.factory import make_network
from itrt.errors import InvalidArgumentError
from itrt.nn import IterativeNetwork, ItNet, ItNetSettings
from itrt.nn.blocks import ContextBlock, HourglassBlock
from itrt.train.checkpoint import load_network
from itrt.train.data.camvid import CLASS_NAMES
from itrt.train.data.synthetic import draw_scene

Image = NDArray[np.uint8]
Size = tuple[int, int]
"""Height, width."""

_MEAN, _STANDARD_DEVIATION = (0.41, 0.42, 0.43), (0.30, 0.31, 0.31)  # of the untrained network: CamVid's, rounded


@dataclass(frozen=True)
class Subject:
    """A network in evaluation mode, its normalization, u8 images for calibration, and one to run."""

    name: str
    network: nn.Module
    mean: Sequence[float]
    standard_deviation: Sequence[float]
    class_names: Sequence[str]
    calibration: Sequence[Image]
    image: Image

    @property
    def iterations(self) -> int:
        """As trained; 1 of a network without iterations."""
        return self.network.iterations if isinstance(self.network, IterativeNetwork) else 1

    @property
    def max_iterations(self) -> int | None:
        """The most that the network can execute; None: no end."""
        return self.network.max_iterations if isinstance(self.network, IterativeNetwork) else 1

    def check_iterations(self, count: int) -> None:
        """Raise InvalidArgumentError for a number that the network cannot execute."""
        if isinstance(self.network, IterativeNetwork):
            self.network.check_iterations(count)
        elif count != 1:
            raise InvalidArgumentError(f"iterations: expected 1, for {self.name} has no loop, found {count}")

    def image_of(self, size: Size) -> Image:
        """The image at this size."""
        return resized(self.image, size)

    def calibration_of(self, size: Size) -> list[Image]:
        """The calibration images at this size, for runtimes whose models have one."""
        return [resized(image, size) for image in self.calibration]

    def float_labels(self, size: Size, iterations: int) -> NDArray[np.uint8]:
        """What the float network says."""
        with torch.no_grad():
            image = torch.from_numpy(normalized(self.image_of(size), self.mean, self.standard_deviation))
            labels: NDArray[np.uint8] = LabelNetwork(self.network, iterations)(image)[0].numpy()
        return labels

    def fingerprint(self) -> str:
        """A name for what a converted model follows from."""
        digest = hashlib.sha256(repr((self.mean, self.standard_deviation)).encode())
        for name, value in self.network.state_dict().items():
            digest.update(name.encode() + value.numpy().tobytes())
        for image in self.calibration:
            digest.update(repr(image.shape).encode() + image.tobytes())
        return digest.hexdigest()[:16]


def resized(image: Image, size: Size) -> Image:
    """The image, resampled where it has another size."""
    height, width = size
    if image.shape[:2] == size:
        return image
    return np.asarray(PIL.Image.fromarray(image).resize((width, height), PIL.Image.Resampling.BILINEAR))


def normalized(image: Image, mean: Sequence[float], standard_deviation: Sequence[float]) -> NDArray[np.float32]:
    """(height, width, 3) u8 -> (1, 3, height, width) float32, as the float network sees it."""
    scaled = (image.astype(np.float32) / 255 - np.asarray(mean, np.float32)) / np.asarray(
        standard_deviation, np.float32
    )
    return np.ascontiguousarray(scaled.transpose(2, 0, 1)[None])


def from_checkpoint(path: Path, calibration: Sequence[Image], image: Image) -> Subject:
    """A trained ItNet."""
    network, metadata = load_network(path)
    return Subject(
        path.stem, network, metadata.mean, metadata.standard_deviation, metadata.class_names, calibration, image
    )


def untrained_itnet(settings: ItNetSettings, size: Size, images: int, seed: int = 0) -> Subject:
    """An ItNet with random weights and drawn scenes: costs what a trained one costs, needs no data.

    Random iterations are chaotic: a rounding would grow until no label agrees with float. So the block listens more to
    the features than to the state, and its batch normalization has seen the scenes.
    """
    if settings.classes > len(CLASS_NAMES):
        class_names: Sequence[str] = [f"class {index}" for index in range(settings.classes)]
    else:
        class_names = CLASS_NAMES[: settings.classes]
    scenes = _scenes(size, images + 1, seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = ItNet(settings)
    _calm(network)
    _settle_normalization(network, [_tensor(scene) for scene in scenes[:4]])
    return Subject("ItNet, untrained", network, _MEAN, _STANDARD_DEVIATION, class_names, scenes[:-1], scenes[-1])


def made_network(reference: str, size: Size, images: int, seed: int = 0) -> Subject:
    """A network as its factory makes it, ``package.module:factory``, and drawn scenes.

    Its batch normalization has seen the scenes: with random weights, values would grow from layer to layer. And its
    classifier is fitted to two of them: with a random one nearly every pixel is nearly a tie between classes, and that
    labels equal float's, or do not, says nothing.
    """
    drawn = _drawn_scenes(size, images + 1, seed)
    scenes = [scene for scene, _ in drawn]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = make_network(reference)
    # Together: where one number an image is left, as behind global pooling, one image has no variance.
    _settle_normalization(network, [torch.cat([_tensor(scene) for scene in scenes[:2]])])
    with torch.no_grad():
        classes = LogitNetwork(network, 1)(_tensor(scenes[0])).shape[1]
    fit_classifier(network, [(_tensor(scene), torch.from_numpy(labels % classes)) for scene, labels in drawn[:2]])
    names = [f"class {index}" for index in range(classes)]
    return Subject(reference, network, _MEAN, _STANDARD_DEVIATION, names, scenes[:-1], scenes[-1])


@torch.no_grad()
def fit_classifier(network: nn.Module, samples: Sequence[tuple[Tensor, Tensor]]) -> bool:
    """Fit the convolution that runs last to labels, by ridge regression on what goes into it.

    Parameters
    ----------
    network
        In evaluation mode. A last convolution that does not make the logits, is not 1x1, or has groups or no bias,
        stays as it is.
    samples
        Normalized images (1, 3, H, W) and their labels (H, W), below the number of the convolution's outputs.

    Returns
    -------
    bool
        Whether it was fitted.
    """
    last: list[tuple[nn.Conv2d, Tensor]] = []
    hooks = [
        module.register_forward_hook(lambda module, inputs, _: last.append((module, inputs[0])))
        for module in network.modules()
        if isinstance(module, nn.Conv2d)
    ]
    pixels, targets = [], []
    try:
        for image, labels in samples:
            last.clear()
            logits = LogitNetwork(network, 1)(image)
            if not last:
                return False
            classifier, inputs = last[-1]
            rows, columns = (
                torch.arange(count) * size // count for count, size in zip(inputs.shape[2:], labels.shape, strict=True)
            )
            # The last column is the bias's.
            pixels.append(nn.functional.pad(inputs[0].flatten(1).T.double(), (0, 1), value=1.0))
            targets.append(labels[rows][:, columns].flatten().long())
    finally:
        for hook in hooks:
            hook.remove()
    if classifier.out_channels != logits.shape[1]:  # a gate, or what a linear layer reads
        return False
    if classifier.kernel_size != (1, 1) or classifier.groups != 1 or classifier.bias is None:
        return False
    features = torch.cat(pixels)
    one_hot = nn.functional.one_hot(torch.cat(targets), classifier.out_channels).double()
    ridge = features.T @ features
    ridge.diagonal().add_(0.01 * ridge.diagonal().mean())
    solution = torch.linalg.solve(ridge, features.T @ one_hot).T
    classifier.weight.copy_(solution[:, :-1, None, None])
    classifier.bias.copy_(solution[:, -1])
    return True


def _scenes(size: Size, count: int, seed: int) -> list[Image]:
    return [scene for scene, _ in _drawn_scenes(size, count, seed)]


def _drawn_scenes(size: Size, count: int, seed: int) -> list[tuple[Image, Image]]:
    return [draw_scene(*size, np.random.default_rng((seed, index))) for index in range(count)]


def _tensor(scene: Image) -> Tensor:
    return torch.from_numpy(normalized(scene, _MEAN, _STANDARD_DEVIATION))


def _calm(network: ItNet) -> None:
    high = network.settings.channels[0]
    with torch.no_grad():
        for block in network.blocks:
            first = block.join if isinstance(block, HourglassBlock) else cast(ContextBlock, block).down_middle
            first.convolution.weight[:, :high] *= 0.25  # the state comes first


def _settle_normalization(network: nn.Module, images: Sequence[Tensor]) -> None:
    norms = [module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = None  # the average of all that it sees
    network.train()
    with torch.no_grad():
        for image in images:
            network(image)
    network.eval()
