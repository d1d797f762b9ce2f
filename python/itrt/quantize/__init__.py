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
from itrt.quantize.requantization import (
    REQUANTIZATIONS,
    Requantization,
    power_of_two_errors,
    power_of_two_weight_scale,
    quantize_affine_integers,
)

__all__ = [
    "REQUANTIZATIONS",
    "ActivationParameters",
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
    "quantize_affine",
    "quantize_affine_integers",
    "quantize_value",
    "quantize_weights",
    "short_scales",
]
