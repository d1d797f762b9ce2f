"""Distillation: a network learns from another one's probabilities, too (arXiv 1503.02531)."""

from collections.abc import Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

from itrt.errors import InvalidArgumentError
from itrt.nn import AnytimeNetwork


def distillation_loss(logits: Sequence[Tensor], teacher: Tensor, iteration_weights: Sequence[float]) -> Tensor:
    """Return the weighted mean over the iterations of the divergence of each one's probabilities from the teacher's.

    Every iteration has the teacher's last answer as its target. A cell of the logits counts whatever its label: the
    teacher has an answer where the labels have none.

    Parameters
    ----------
    logits
        One float (N, classes, h, w) an iteration.
    teacher
        Float (N, classes, h', w'): interpolated if its size is another one.
    iteration_weights
        One weight an iteration.

    Returns
    -------
    Tensor
        A float32 scalar, the mean Kullback-Leibler divergence of a cell: 0 if the probabilities are equal.
    """
    size = logits[0].shape[-2:]
    if teacher.shape[-2:] != size:
        teacher = F.interpolate(teacher, size=size, mode="bilinear", align_corners=False)
    target = teacher.float().log_softmax(dim=1)
    probabilities = target.exp()
    loss = target.new_zeros(())
    for output, weight in zip(logits, iteration_weights, strict=True):
        difference = probabilities * (target - output.float().log_softmax(dim=1))
        loss = loss + weight * difference.sum(dim=1).mean()
    return loss / sum(iteration_weights)


class Teacher:
    """A trained network that answers and does not learn."""

    def __init__(self, network: AnytimeNetwork, classes: int, device: torch.device) -> None:
        network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's stub
        self.network = network.eval()
        self.classes = classes

    @torch.no_grad()
    def answer(self, batch: Tensor) -> Tensor:
        """Return the last logits, (N, classes, h, w), of a normalized batch; raise if they are of other classes."""
        logits = self.network(batch)[-1]
        if logits.shape[1] != self.classes:
            raise InvalidArgumentError(
                f"teacher: expected {self.classes} classes, as in the data, found {logits.shape[1]}"
            )
        return cast(Tensor, logits)
