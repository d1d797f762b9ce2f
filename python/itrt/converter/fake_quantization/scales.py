"""The scales of activations as parameters; zero points stay as they were calibrated."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from itrt.converter.fake_quantization.straight_through import straight_through
from itrt.errors import InvalidArgumentError
from itrt.quantize import ActivationParameters, activation_parameters

_SMALLEST = float(np.finfo(np.float32).tiny)


class LearnedScales(nn.Module):
    """One scale and zero point for every group of tensors that share them.

    A scale is its calibrated value times 2 ** ``log2_ratio``: an optimizer's step then changes small and large scales
    by the same factor (arXiv 1903.08066), and without training a scale is the calibrated one to the last bit.

    Parameters
    ----------
    groups
        The group of every tensor but the image (`itrt.converter.calibration.scale_groups`).
    ranges
        (lower, upper) of every such tensor; None: to be loaded with a state dict before the first run.
    """

    calibrated: Tensor
    zero_points: Tensor

    def __init__(self, groups: Mapping[str, str], ranges: Mapping[str, tuple[float, float]] | None) -> None:
        super().__init__()
        places = {group: index for index, group in enumerate(dict.fromkeys(groups.values()))}
        self._places = {name: places[group] for name, group in groups.items()}
        if ranges is None:
            chosen = [ActivationParameters(np.nan, 0)] * len(places)
        else:
            chosen = [activation_parameters(*ranges[group]) for group in places]
        scales = torch.tensor([parameters.scale for parameters in chosen], dtype=torch.float64)
        self.register_buffer("calibrated", scales)
        self.register_buffer("zero_points", torch.tensor([parameters.zero_point for parameters in chosen]))
        self.log2_ratio = nn.Parameter(torch.zeros(len(places), dtype=torch.float64))

    def activation_parameters(self) -> dict[str, ActivationParameters]:
        """Return scale and zero point of every tensor but the image.

        Raises
        ------
        InvalidArgumentError
            If they were neither calibrated nor loaded.
        """
        scales, zero_points = self._rounded().tolist(), self.zero_points.tolist()
        if not np.isfinite(scales).all():
            raise InvalidArgumentError(
                "scales: expected finite numbers, found others; a network that was prepared without calibration images "
                "needs the state dict of a trained one"
            )
        return {name: ActivationParameters(scales[at], zero_points[at]) for name, at in self._places.items()}

    def by_tensor(self) -> dict[str, Tensor]:
        """Return every tensor's scale, float64 without dimensions, with its gradient."""
        scales = straight_through(self._scales(), self._rounded()).unbind()
        return {name: scales[at] for name, at in self._places.items()}

    def _scales(self) -> Tensor:
        return self.calibrated.double() * torch.exp2(self.log2_ratio.double())

    def _rounded(self) -> Tensor:
        """A file holds them as float32 numbers."""
        return self._scales().detach().float().clamp(min=_SMALLEST).double()
