"""The converter: a torch network becomes an int8 program in one file (needs torch)."""

from itrt.converter.checkpoint import convert_checkpoint
from itrt.converter.convert import DEFAULT_OBSERVER, Conversion, Progress, convert
from itrt.converter.factory import make_network
from itrt.converter.fake_quantization import FakeQuantizedNetwork
from itrt.converter.fake_quantization.prepare import prepare
from itrt.converter.parity import IterationParity, ParityReport, TensorParity
from itrt.converter.requantization_loss import IterationLoss, RequantizationLoss

__all__ = [
    "DEFAULT_OBSERVER",
    "Conversion",
    "FakeQuantizedNetwork",
    "IterationLoss",
    "IterationParity",
    "ParityReport",
    "Progress",
    "RequantizationLoss",
    "TensorParity",
    "convert",
    "convert_checkpoint",
    "make_network",
    "prepare",
]
