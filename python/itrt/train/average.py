"""The moving average of a network's weights: what is measured, written and converted in place of the last step's."""

import copy

import torch
from torch import Tensor

from itrt.nn import AnytimeNetwork


class WeightAverage:
    """An exponential moving average over optimizer steps of weights and batch statistics (arXiv 1806.05594).

    Parameters
    ----------
    network
        Its present weights are where the average starts.
    decay
        The share of the old average that a step keeps: 1 / (1 - decay) steps are remembered. The first steps keep less,
        (1 + step) / (10 + step), so that random initial weights are soon forgotten.

    Attributes
    ----------
    network
        A copy of the network with the average's weights, in evaluation mode.
    steps
        Updates so far.
    """

    def __init__(self, network: AnytimeNetwork, decay: float) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.decay = decay
        self.steps = 0

    @torch.no_grad()
    def update(self, network: AnytimeNetwork) -> None:
        """Take in the weights after an optimizer step."""
        self.steps += 1
        weight = 1 - min(self.decay, (1 + self.steps) / (10 + self.steps))
        averages, values = _floating(self.network), _floating(network)
        torch._foreach_lerp_(averages, values, weight)


def _floating(network: AnytimeNetwork) -> list[Tensor]:
    # Batch normalization's count of batches is an integer, and nothing reads it.
    return [value for value in network.state_dict().values() if value.is_floating_point()]
