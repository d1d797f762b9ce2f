"""Networks in PyTorch: the base class of iterative ones, ItNet, FCN and DeepLabv3; weights from files."""

from itrt.nn.deeplab import DeepLabV3ResNet50
from itrt.nn.fcn import FCNVGG16, FCNResNet50
from itrt.nn.iterative import AnytimeNetwork, IterativeNetwork
from itrt.nn.itnet import ItNet, ItNetSettings
from itrt.nn.weights import load_weights, read_weights

__all__ = [
    "FCNVGG16",
    "AnytimeNetwork",
    "DeepLabV3ResNet50",
    "FCNResNet50",
    "ItNet",
    "ItNetSettings",
    "IterativeNetwork",
    "load_weights",
    "read_weights",
]
