"""The first layer where int8 and float part, and what is likely the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from itrt.converter.layer_comparison import DEFAULT_THRESHOLD_DB, LayerDifference
from itrt.errors import InvalidArgumentError
from itrt.format import Program

_CLIPPED = 0.01  # a share of values beyond the range; observers give up less
_GAIN = 0.05  # rounding moves a layer's gain by less
_USED = 1.0 / 16.0  # of the range: 4 of the 8 bits are left


@dataclass(frozen=True)
class Fault:
    """The first layer, in the order of execution, whose signal-to-noise ratio is below the threshold; why, in words."""

    layer: LayerDifference
    reasons: tuple[str, ...]


def first_fault(
    layers: Sequence[LayerDifference], program: Program, threshold_db: float = DEFAULT_THRESHOLD_DB
) -> Fault | None:
    """Return the first layer where int8 and float part, or None.

    Parameters
    ----------
    layers
        What `compare_layers` found.
    program
        The program that was compared.
    threshold_db
        A layer parts from float where its signal-to-noise ratio, with int8's own inputs, is below; finite.
    """
    if not np.isfinite(threshold_db):
        raise InvalidArgumentError(f"threshold_db: expected a finite number, found {threshold_db}")
    for index, layer in enumerate(layers):
        if layer.snr_db < threshold_db:
            if layer.own_snr_db < threshold_db:
                return Fault(layer, _own_reasons(layer, program))
            return Fault(layer, (_noise_of_inputs(layer, layers[:index]),))
    return None


def _own_reasons(layer: LayerDifference, program: Program) -> tuple[str, ...]:
    tensor = next(tensor for tensor in program.tensors if tensor.name == layer.tensor)
    low, high = (tensor.scale * (bound - tensor.zero_points[0]) for bound in (0, 255))
    reasons = []
    if layer.silent:
        reasons.append(f"{layer.silent} of {tensor.channels} channels are one value: weights or a scale of zero")
    if layer.clipped > _CLIPPED:
        reasons.append(f"{layer.clipped:.1%} of float's values are beyond its range, {low:.4g} to {high:.4g}")
    if abs(layer.gain - 1.0) > _GAIN and layer.clipped <= _CLIPPED:
        reasons.append(f"it computes {layer.gain:.3g} times what float computes: a scale is not the network's")
    if layer.used < _USED:
        reasons.append(f"its range, {low:.4g} to {high:.4g}, is {1.0 / max(layer.used, 1e-9):.0f} times that of float")
    return tuple(reasons) or ("the rounding of its weights, or of values to its 256",)


def _noise_of_inputs(layer: LayerDifference, before: Sequence[LayerDifference]) -> str:
    """Name what a layer reads with what noise that has: the last time that it was written."""
    written = {row.tensor: row.snr_db for row in before}
    known = [f"{name} {written[name]:.1f} dB" for name in dict.fromkeys(layer.inputs) if name in written]
    noise = f": {', '.join(known)}" if known else ""
    return f"the noise of its inputs{noise}; with float's it has {layer.own_snr_db:.1f} dB"
