"""Functions of one value become tables: what they give for each of the 256 stored values."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from itrt.converter.float_operators import FloatLookup
from itrt.errors import ConversionError
from itrt.format import Constant
from itrt.quantize import ActivationParameters


def lookup_table(operator: FloatLookup, source: ActivationParameters, target: ActivationParameters) -> Constant:
    """Return the table of stored values, u8 (1, 256), or (channels, 256) where channels differ; one, or one a step.

    Raises
    ------
    ConversionError
        If the function is not a number somewhere in the input's range.
    """
    steps = max((len(constant.values) for constant in operator.constants), default=1)
    reals = np.asarray(source.scale * (np.arange(256) - source.zero_point), np.float64)
    tables = []
    for step in range(steps):
        values = _evaluate(operator, reals, step)
        if np.isnan(values).any():
            worst = float(reals[np.isnan(values).any(axis=0)][0])
            raise ConversionError(f"{operator.output}: expected a function of all values, found none at {worst:g}")
        stored = np.rint(values / target.scale) + target.zero_point
        tables.append(np.clip(stored, 0, 255).astype(np.uint8))
    return Constant(tuple(tables))


def _evaluate(operator: FloatLookup, reals: NDArray[np.float64], step: int) -> NDArray[np.float64]:
    """Return the function's values, (1 or channels, 256), in float64."""
    x = torch.from_numpy(reals).view(1, 1, 1, 256)
    for function in operator.functions:
        constants = (torch.from_numpy(constant.at(step)).view(1, -1, 1, 1) for constant in function.constants)
        x = function.function(x, *constants)
    values: NDArray[np.float64] = x.reshape(-1, 256).numpy()
    return values
