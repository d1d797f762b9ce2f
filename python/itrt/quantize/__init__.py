"""Quantization: observers of value ranges, and the arithmetic that turns ranges and weights into integers.

`prepare` makes a network for quantization-aware training. It is the converter's, for it computes what a converted
network computes, and needs torch: it is imported when it is first named.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from itrt.quantize.arithmetic import (
    ActivationParameters,
    QuantizedWeights,
    activation_parameters,
    fixed_point,
    largest_bias,
    positive_fixed_point,
    quantize_affine,
    quantize_value,
    quantize_weights,
    short_scales,
)
from itrt.quantize.observers import (
    MinMaxObserver,
    MseObserver,
    Observer,
    ObserverKind,
    PercentileObserver,
    make_observer,
)
from itrt.quantize.requantization import (
    REQUANTIZATIONS,
    Requantization,
    power_of_two_errors,
    power_of_two_weight_scale,
    quantize_affine_integers,
)

if TYPE_CHECKING:
    from itrt.converter import FakeQuantizedNetwork, prepare

__all__ = [
    "REQUANTIZATIONS",
    "ActivationParameters",
    "FakeQuantizedNetwork",
    "MinMaxObserver",
    "MseObserver",
    "Observer",
    "ObserverKind",
    "PercentileObserver",
    "QuantizedWeights",
    "Requantization",
    "activation_parameters",
    "fixed_point",
    "largest_bias",
    "make_observer",
    "positive_fixed_point",
    "power_of_two_errors",
    "power_of_two_weight_scale",
    "prepare",
    "quantize_affine",
    "quantize_affine_integers",
    "quantize_value",
    "quantize_weights",
    "short_scales",
]


def __getattr__(name: str) -> Any:
    if name in ("FakeQuantizedNetwork", "prepare"):
        return getattr(import_module("itrt.converter"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
