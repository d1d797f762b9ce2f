"""Quantization: observers of value ranges, and the arithmetic that turns ranges and weights into integers."""

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

__all__ = [
    "ActivationParameters",
    "MinMaxObserver",
    "MseObserver",
    "Observer",
    "ObserverKind",
    "PercentileObserver",
    "QuantizedWeights",
    "activation_parameters",
    "fixed_point",
    "largest_bias",
    "make_observer",
    "positive_fixed_point",
    "quantize_affine",
    "quantize_value",
    "quantize_weights",
    "short_scales",
]
