"""Does a network fit an accelerator, how, and what does it cost: accelerators, workloads, costs, measures.

>>> from itrt import planner
>>> target = planner.load_target("ethos-u65-512")
>>> work = planner.load_workload("model.itrt", height=360, width=480)
>>> planner.estimate_cost(work, target, planner.resident_traffic(work, target)).total.milliseconds
"""

from itrt.planner.accelerator import Accelerator, Compute, Granularity, Memory, Roles
from itrt.planner.cost import Cost, LayerCost, RunCost, estimate_cost
from itrt.planner.measures import GraphMeasures, compare, measure
from itrt.planner.targets import load_target, presets
from itrt.planner.traffic import Traffic, placed_traffic, resident_traffic
from itrt.planner.vela import load_vela
from itrt.planner.workload import Layer, TensorSize, Window, Workload, load_workload

__all__ = [
    "Accelerator",
    "Compute",
    "Cost",
    "Granularity",
    "GraphMeasures",
    "Layer",
    "LayerCost",
    "Memory",
    "Roles",
    "RunCost",
    "TensorSize",
    "Traffic",
    "Window",
    "Workload",
    "compare",
    "estimate_cost",
    "load_target",
    "load_vela",
    "load_workload",
    "measure",
    "placed_traffic",
    "presets",
    "resident_traffic",
]
