"""Offsets of the logits that raise the mean IoU.

Class weights make a network name rare classes more readily than is right, and no loss weighs the two kinds of mistakes
as the mean IoU does. One number a class, added to its logits, mends what all pixels have in common; it is fitted on
training images as they are, without augmentation, and costs nothing: the classifier's bias takes it up.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from itrt.metrics import ConfusionMatrix
from itrt.nn import AnytimeNetwork
from itrt.train.data import SegmentationData
from itrt.train.validation import at_labels, autocast_pays, image_logits

_STEPS = (0.5, 0.25)  # of a search; finer ones fit the images at hand
_ROUNDS = 3  # over all classes, with each step at most


def sample_logits(
    network: AnytimeNetwork,
    data: SegmentationData,
    mean: Sequence[float],
    standard_deviation: Sequence[float],
    stride: int = 6,
) -> tuple[Tensor, Tensor]:
    """Return the last iteration's logits at every ``stride``-th row and column of the training images that is labelled.

    Returns
    -------
    tuple[Tensor, Tensor]
        Float32 (classes, pixels) and int64 (pixels,): logits and labels.
    """
    logits, labels = [], []
    first, cpu = stride // 2, torch.device("cpu")
    for outputs, label in image_logits(network, data.train, mean, standard_deviation, cpu, autocast_pays(cpu)):
        places = torch.from_numpy(label)[first::stride, first::stride].long()
        counted = places != data.ignore_index
        logits.append(at_labels(outputs[-1], label)[:, first::stride, first::stride][:, counted])
        labels.append(places[counted])
    return torch.cat(logits, dim=1), torch.cat(labels)


def fit_class_offsets(logits: Tensor, labels: Tensor, penalty: float = 0.002) -> Tensor:
    """Return float32 (classes,): what to add to the logits for the largest mean IoU, less ``penalty`` * sum of squares.

    Each class in turn goes up and down by steps, as long as that helps.

    Parameters
    ----------
    logits, labels
        As ``sample_logits`` returns them.
    penalty
        Keeps offsets small that a few pixels ask for: without it they carry over less to other videos.
    """
    classes = len(logits)

    def gain(offsets: Tensor) -> float:
        matrix = ConfusionMatrix(classes, ignore_index=classes)
        matrix.update((logits + offsets[:, None]).argmax(dim=0).numpy(), labels.numpy())
        return matrix.mean_iou() - penalty * float(offsets.square().sum())

    offsets = torch.zeros(classes)
    best = gain(offsets)
    for step in _STEPS:
        for _ in range(_ROUNDS):
            before = best
            for index in range(classes):
                for change in (step, -step):
                    moved = offsets.clone()
                    moved[index] += change
                    found = gain(moved)
                    if found > best:
                        best, offsets = found, moved
            if best == before:
                break
    return offsets
