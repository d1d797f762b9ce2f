"""The converter: a torch network becomes an int8 program in one file (needs torch)."""

from itrt.converter.checkpoint import convert_checkpoint
from itrt.converter.convert import DEFAULT_OBSERVER, Conversion, Progress, convert
from itrt.converter.examination import ChangedImage, Examination, LayerHistogram, examine
from itrt.converter.factory import make_network
from itrt.converter.fake_quantization import FakeQuantizedNetwork
from itrt.converter.fake_quantization.prepare import prepare
from itrt.converter.layer_comparison import DEFAULT_THRESHOLD_DB, LayerDifference, compare_layers
from itrt.converter.layer_fault import Fault, first_fault
from itrt.converter.parity import IterationParity, ParityReport, TensorParity, VariantParity
from itrt.converter.requantization_loss import IterationLoss, RequantizationLoss
from itrt.converter.sixteen_bits import TensorWorth
from itrt.converter.variants import Choice

__all__ = [
    "DEFAULT_OBSERVER",
    "DEFAULT_THRESHOLD_DB",
    "ChangedImage",
    "Choice",
    "Conversion",
    "Examination",
    "FakeQuantizedNetwork",
    "Fault",
    "IterationLoss",
    "IterationParity",
    "LayerDifference",
    "LayerHistogram",
    "ParityReport",
    "Progress",
    "RequantizationLoss",
    "TensorParity",
    "TensorWorth",
    "VariantParity",
    "compare_layers",
    "convert",
    "convert_checkpoint",
    "examine",
    "first_fault",
    "make_network",
    "prepare",
]
