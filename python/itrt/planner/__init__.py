"""Accelerators: figures with their sources, in base units."""

from itrt.planner.accelerator import Accelerator, Compute, Granularity, Memory, Roles
from itrt.planner.targets import load_target, presets
from itrt.planner.vela import load_vela

__all__ = [
    "Accelerator",
    "Compute",
    "Granularity",
    "Memory",
    "Roles",
    "load_target",
    "load_vela",
    "presets",
]
