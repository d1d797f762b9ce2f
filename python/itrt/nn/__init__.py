"""Iterative networks in PyTorch: the base class and ItNet."""

from itrt.nn.iterative import IterativeNetwork
from itrt.nn.itnet import ItNet, ItNetSettings

__all__ = ["ItNet", "ItNetSettings", "IterativeNetwork"]
