"""Mean intersection over union of every iteration, at the labels' own size; normalization; the autocast default."""

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from itrt.metrics import ConfusionMatrix
from itrt.nn import AnytimeNetwork
from itrt.train.data import Image, ImageSet


def normalize(images: Tensor, mean: Sequence[float], standard_deviation: Sequence[float]) -> Tensor:
    """Turn uint8 (N, H, W, 3) into normalized float32 (N, 3, H, W), channels last in memory."""
    scale = torch.tensor([1 / (255 * deviation) for deviation in standard_deviation], device=images.device)
    shift = torch.tensor([-m / s for m, s in zip(mean, standard_deviation, strict=True)], device=images.device)
    return (images.float() * scale + shift).permute(0, 3, 1, 2)


def autocast_pays(device: torch.device) -> bool:
    """Whether bfloat16 is faster than float32 here: on a GPU, or on a CPU with instructions for it.

    Without them oneDNN emulates bfloat16, which took 2.8 times as long as float32 on a Cascade Lake.
    """
    if device.type == "cuda":
        return True
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


@torch.no_grad()
def image_logits(
    network: AnytimeNetwork,
    images: ImageSet,
    mean: Sequence[float],
    standard_deviation: Sequence[float],
    device: torch.device,
    autocast: bool = False,
) -> Iterator[tuple[list[Tensor], Image]]:
    """Yield each image's logits, (1, classes, h, w) an iteration, and its labels; the network is left in its mode."""
    was_training = network.training
    network.eval()
    for image, label in zip(images.images, images.labels, strict=True):
        batch = normalize(torch.from_numpy(image).to(device)[None], mean, standard_deviation)
        with torch.autocast(device.type, torch.bfloat16, enabled=autocast):
            outputs = network(batch)
        yield outputs, label
    network.train(was_training)


def at_labels(logits: Tensor, label: Image) -> Tensor:
    """Return float32 (classes, H, W): an image's logits at its labels' size."""
    return F.interpolate(logits.float(), size=label.shape, mode="bilinear", align_corners=False)[0]


def evaluate(
    network: AnytimeNetwork,
    images: ImageSet,
    classes: int,
    ignore_index: int,
    mean: Sequence[float],
    standard_deviation: Sequence[float],
    device: torch.device,
    autocast: bool = False,
) -> list[ConfusionMatrix]:
    """Return one confusion matrix an iteration; the network is left in the mode it came in."""
    matrices = [ConfusionMatrix(classes, ignore_index) for _ in range(network.iterations)]
    for outputs, label in image_logits(network, images, mean, standard_deviation, device, autocast):
        for matrix, logits in zip(matrices, outputs, strict=True):
            matrix.update(at_labels(logits, label).argmax(dim=0).cpu().numpy(), label)
    return matrices
