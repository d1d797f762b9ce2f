#!/usr/bin/env python3
"""Convert networks of torchvision, timm and segmentation-models-pytorch as they are, and say how close int8 is.

Prints Markdown tables: what was converted, what equalization and bias correction bring, what was not converted and why.

Weights are random, so that nothing is downloaded; statistics of batch normalization come from the drawn scenes that
also calibrate. A random network amplifies any noise from layer to layer, which a trained one does not, so each row also
has a yardstick: the float network against itself when every value of the image is off by one of its 256 levels.
Libraries that are not installed are left out.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from itrt.converter import Choice, Conversion, convert
from itrt.errors import ItrtError
from itrt.train import synthetic_data

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Subject:
    """A network of a library; ``make`` imports the library."""

    library: str
    name: str
    make: Callable[[], nn.Module]


def torchvision_network(name: str, **settings: object) -> Subject:
    """One of torchvision's."""

    def make() -> nn.Module:
        from torchvision import models

        return models.get_model(name, weights=None, **settings)

    return Subject("torchvision", name, make)


def timm_network(name: str) -> Subject:
    """One of timm's."""

    def make() -> nn.Module:
        import timm

        return timm.create_model(name)

    return Subject("timm", name, make)


def segmentation_model(architecture: str, encoder: str) -> Subject:
    """One of segmentation-models-pytorch's."""

    def make() -> nn.Module:
        import segmentation_models_pytorch as library

        return getattr(library, architecture)(encoder, encoder_weights=None, classes=5)

    return Subject("segmentation_models_pytorch", f"{architecture} {encoder}", make)


SEGMENTATION = {"weights_backbone": None, "num_classes": 5}
SUBJECTS = (
    *map(torchvision_network, ("alexnet", "squeezenet1_1", "resnet18", "mobilenet_v2", "mobilenet_v3_small")),
    *map(torchvision_network, ("shufflenet_v2_x0_5", "efficientnet_b0", "regnet_y_400mf", "mnasnet0_5")),
    torchvision_network("googlenet", init_weights=False),
    torchvision_network("densenet121"),
    torchvision_network("lraspp_mobilenet_v3_large", **SEGMENTATION),
    torchvision_network("deeplabv3_mobilenet_v3_large", **SEGMENTATION, aux_loss=True),
    torchvision_network("fcn_resnet50", **SEGMENTATION),
    *(segmentation_model(name, "resnet18") for name in ("Unet", "UnetPlusPlus", "FPN", "Linknet", "PSPNet", "PAN")),
    *(segmentation_model(name, "resnet18") for name in ("DeepLabV3Plus", "MAnet", "UPerNet")),
    *map(timm_network, ("mobilenetv3_small_050", "efficientnet_lite0", "ghostnet_050", "repvgg_a0", "rexnet_100")),
    *map(timm_network, ("dla34", "hrnet_w18_small", "ese_vovnet19b_dw", "skresnet18", "convnext_atto")),
)


def main() -> None:
    """Convert what the arguments choose and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="parts of the names of the networks; all if there are none")
    parser.add_argument("--images", type=int, default=6, help="scenes to calibrate and to compare with")
    parser.add_argument("--size", type=int, nargs=2, default=(160, 192), metavar=("HEIGHT", "WIDTH"))
    parser.add_argument("--plain", action="store_true", help="without equalization and bias correction")
    arguments = parser.parse_args()
    chosen = [s for s in SUBJECTS if not arguments.names or any(name in s.name for name in arguments.names)]
    height, width = arguments.size
    images = list(synthetic_data(train=arguments.images, validation=1, height=height, width=width).train.images)
    failures = []
    compared = []
    improve: Choice = "off" if arguments.plain else "auto"
    print("| library | network | operators | int8: logits, dB | labels equal | float, image off by one: dB | equal |")
    print("|---|---|---|---|---|---|---|")
    for subject in chosen:
        if importlib.util.find_spec(subject.library) is None:
            continue
        torch.manual_seed(0)
        network = with_statistics(subject.make(), images)
        try:
            with TemporaryDirectory() as directory:
                conversion = to_int8(network, Path(directory) / "network.itrt", images, improve)
            row = describe(conversion)
        except ItrtError as error:
            failures.append((subject, " ".join(str(error).split())))
        else:
            print(f"| {subject.library} | {subject.name} | {row} | {sensitivity(network, images)} |", flush=True)
            compared.append((subject, ways(conversion)))
    if not arguments.plain:
        print("\n| library | network | logits, dB: plain | bias corrected | equalized | both |")
        print("|---|---|---|---|---|---|")
        for subject, row in compared:
            print(f"| {subject.library} | {subject.name} | {row} |")
    print("\n| library | network | why not |\n|---|---|---|")
    for subject, reason in failures:
        print(f"| {subject.library} | {subject.name} | {reason} |")


def with_statistics(network: nn.Module, images: list[NDArray[np.uint8]]) -> nn.Module:
    """Return the network in evaluation mode, its batch normalization with the statistics of the images."""
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = None  # the average over all batches
    if norms:
        with torch.no_grad():
            network.train()(normalized(images, 0.0))
    return network.eval()


def normalized(images: list[NDArray[np.uint8]], noise: float) -> Tensor:
    """Return the images as the network sees them, (images, 3, height, width), each value off by -noise or noise."""
    pixels = torch.stack([torch.from_numpy(image.copy()) for image in images]).permute(0, 3, 1, 2).float()
    signs = 2 * torch.randint(0, 2, pixels.shape, generator=torch.Generator().manual_seed(0)) - 1
    mean, std = (255 * torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
    return (pixels + noise * signs - mean) / std


def logits_of(network: nn.Module, batch: Tensor) -> Tensor:
    """Return the network's first result."""
    with torch.no_grad():
        result = network(batch)
    while not isinstance(result, Tensor):  # a dictionary or a tuple
        result = next(iter(result.values() if isinstance(result, dict) else result))
    return result


def sensitivity(network: nn.Module, images: list[NDArray[np.uint8]]) -> str:
    """Return the yardstick's cells."""
    expected, found = (logits_of(network, normalized(images, noise)) for noise in (0.0, 1.0))
    snr = float(10 * torch.log10(expected.square().sum() / (expected - found).square().sum()))
    equal = float((expected.argmax(1) == found.argmax(1)).float().mean())
    return f"{snr:.1f} | {equal:.1%}"


def to_int8(network: nn.Module, path: Path, images: list[NDArray[np.uint8]], improve: Choice) -> Conversion:
    """Convert; every image calibrates and is compared."""
    channels = logits_of(network, normalized(images[:1], 0.0)).shape[1]
    classes = [str(index) for index in range(channels)]
    return convert(
        network,
        path,
        calibration=images,
        mean=MEAN,
        std=STD,
        classes=classes,
        equalize=improve,
        correct_bias=improve,
        parity_images=len(images),
    )


def describe(conversion: Conversion) -> str:
    """Return the cells behind a network's name."""
    program, parity = conversion.program, conversion.parity
    assert parity is not None
    counts = Counter(type(operator).__name__ for operator in program.stem)
    logits = program.tensors[program.logits].name
    snr = next(row.snr_db for row in parity.tensors if row.tensor == logits)
    operators = ", ".join(f"{count} {kind}" for kind, count in counts.most_common())
    return f"{operators} | {snr:.1f} | {parity.iterations[0].equal_labels:.1%}"


def ways(conversion: Conversion) -> str:
    """Return the cells of every way to quantize: bold where it was kept, "-" where no channel is free."""
    assert conversion.parity is not None
    ratios = {
        (row.equalized, row.bias_corrected): f"**{row.snr_db:.1f}**" if row.chosen else f"{row.snr_db:.1f}"
        for row in conversion.parity.variants
    }
    order = itertools.product((False, True), repeat=2)
    return " | ".join(ratios.get(way, "-") for way in order)


if __name__ == "__main__":
    main()
