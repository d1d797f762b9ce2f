"""The joint loss over every iteration's output, the loss of overlap, and class weights from the labels' frequencies."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from itrt.errors import InvalidArgumentError
from itrt.train.data import Image
from itrt.train.recipe import ClassWeighting


def joint_loss(
    logits: Sequence[Tensor],
    labels: Tensor,
    iteration_weights: Sequence[float],
    class_weights: Tensor | None = None,
    ignore_index: int = 255,
    stride: int = 1,
    offset: tuple[int, int] = (0, 0),
    lovasz: float = 0.0,
) -> Tensor:
    """Return the weighted mean over the iterations of each one's cross-entropy, and the last one's loss of overlap.

    Parameters
    ----------
    logits
        One float (N, classes, h, w) an iteration, at the head's resolution.
    labels
        int64 (N, H, W).
    iteration_weights
        One weight an iteration.
    class_weights
        float32 (classes,), or None for equal weights.
    ignore_index
        Label of pixels that do not count. A batch of nothing else has loss 0.
    stride, offset
        The loss is taken on every ``stride``-th row and column of the labels, the first at ``offset``; the logits are
        interpolated there as if they were upsampled to all of the labels.
    lovasz
        Weight of `lovasz_softmax` of the last iteration, which is added.

    Returns
    -------
    Tensor
        A float32 scalar.
    """
    if len(logits) != len(iteration_weights):
        raise InvalidArgumentError(f"iteration_weights: expected {len(logits)}, found {len(iteration_weights)}")
    rows, columns = (
        _interpolation(logits[0].shape[axis - 2], labels.shape[axis - 2], offset[axis], stride, labels.device)
        for axis in (0, 1)
    )
    labels = labels[:, offset[0] :: stride, offset[1] :: stride]
    # The mean is over the weights of the pixels that count, as in torch's own "mean"; written as a quotient because
    # that one is NaN when every pixel is ignored.
    counted = labels != ignore_index
    if class_weights is None:
        total = counted.sum().float()
    else:
        total = torch.where(counted, class_weights[labels.where(counted, 0)], 0.0).sum()
    loss = logits[0].new_zeros((), dtype=torch.float32)
    for output, weight in zip(logits, iteration_weights, strict=True):
        sampled = rows @ output.float() @ columns.T
        summed = F.cross_entropy(sampled, labels, class_weights, ignore_index=ignore_index, reduction="sum")
        loss = loss + weight * summed
    loss = loss / (total.clamp_min(torch.finfo(torch.float32).tiny) * sum(iteration_weights))
    return loss + lovasz * lovasz_softmax(sampled, labels, ignore_index) if lovasz else loss


def lovasz_softmax(logits: Tensor, labels: Tensor, ignore_index: int = 255) -> Tensor:
    """Return the Lovasz-softmax loss (arXiv 1705.08790): a convex extension of 1 - mean IoU over the classes present.

    A class's loss is a sum over its errors, the largest first, each times what the IoU loses if the class is wrong in
    that pixel as well: small classes and large ones count alike, as in the measure.

    Parameters
    ----------
    logits
        Float (N, classes, H, W).
    labels
        int64 (N, H, W). The batch is one set of pixels.
    ignore_index
        Label of pixels that do not count. A batch of nothing else has loss 0.

    Returns
    -------
    Tensor
        A float32 scalar from 0 to 1.
    """
    counted = labels != ignore_index
    probabilities = logits.float().softmax(dim=1).movedim(1, 0)[:, counted]
    is_class = F.one_hot(labels[counted], logits.shape[1]).T.float()
    present = is_class.any(dim=1)
    if not present.any():
        return logits.sum() * 0
    errors, order = (is_class - probabilities)[present].abs().sort(dim=1, descending=True)
    is_class = is_class[present].gather(1, order)
    missed = is_class.cumsum(dim=1)
    whole = missed[:, -1:]
    lost = 1 - (whole - missed) / (whole + (1 - is_class).cumsum(dim=1))
    return (errors * lost.diff(dim=1, prepend=lost.new_zeros(len(lost), 1))).sum(dim=1).mean()


def _interpolation(inputs: int, pixels: int, offset: int, stride: int, device: torch.device) -> Tensor:
    """Return the matrix (rows, inputs) of a linear interpolation to every ``stride``-th of ``pixels`` places.

    A row has the two weights of a pixel, which lies at (pixel + 0.5) * inputs / pixels - 0.5; ends are repeated.
    """
    places = (torch.arange(offset, pixels, stride, device=device) + 0.5) * (inputs / pixels) - 0.5
    distances = places.clamp(0, inputs - 1)[:, None] - torch.arange(inputs, device=device)
    return (1 - distances.abs()).clamp_min(0)


def class_frequencies(labels: Sequence[Image], classes: int) -> NDArray[np.float64]:
    """Return each class's share of the pixels, float64 (classes,); labels from ``classes`` on do not count."""
    counts = np.zeros(classes, np.int64)
    for label in labels:
        counts += np.bincount(label.reshape(-1), minlength=classes)[:classes]
    return counts / max(int(counts.sum()), 1)


def class_weights(frequencies: NDArray[np.float64], weighting: ClassWeighting, cap: float) -> Tensor | None:
    """Return float32 (classes,) weights, normalized so that a pixel weighs 1 on average; None for "none".

    "enet" is 1 / log(1.02 + p) (arXiv 1606.02147); "median_frequency" is median(p) / p (arXiv 1411.4734). After
    normalization no weight exceeds ``cap``: a rare class must not drown the others in noise.
    """
    if weighting == "none":
        return None
    if weighting == "enet":
        weights = 1 / np.log(1.02 + frequencies)
    else:
        present = frequencies[frequencies > 0]
        weights = np.median(present) / np.maximum(frequencies, 1e-6) if present.size else np.ones_like(frequencies)
    average = float((weights * frequencies).sum())
    return torch.from_numpy(np.minimum(weights / (average or 1.0), cap).astype(np.float32))
