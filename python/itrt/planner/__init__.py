"""Does a network fit an accelerator, how, and what does it cost.

>>> from itrt import planner
>>> found = planner.plan("model.itrt", "ethos-u65-512", height=360, width=480)
>>> found.arena_bytes, found.cost.iteration.milliseconds, found.schedule.groups
"""

from itrt.planner.accelerator import Accelerator, Compute, Granularity, Memory, Roles
from itrt.planner.allocation import Allocation, allocate
from itrt.planner.cost import Cost, LayerCost, RunCost, estimate_cost
from itrt.planner.footprint import Footprint, PlannedBuffer
from itrt.planner.instances import Instance, read_instance, write_instance
from itrt.planner.measures import GraphMeasures, compare, measure
from itrt.planner.planning import DoesNotFitError, Plan, plan, sweep
from itrt.planner.schedule import Group, Halo, Schedule, WeightMode, WeightPlacement
from itrt.planner.targets import load_target, presets
from itrt.planner.traffic import Traffic, placed_traffic, resident_traffic
from itrt.planner.vela import load_vela
from itrt.planner.workload import Layer, TensorSize, Window, Workload, load_workload

__all__ = [
    "Accelerator",
    "Allocation",
    "Compute",
    "Cost",
    "DoesNotFitError",
    "Footprint",
    "Granularity",
    "GraphMeasures",
    "Group",
    "Halo",
    "Instance",
    "Layer",
    "LayerCost",
    "Memory",
    "Plan",
    "PlannedBuffer",
    "Roles",
    "RunCost",
    "Schedule",
    "TensorSize",
    "Traffic",
    "WeightMode",
    "WeightPlacement",
    "Window",
    "Workload",
    "allocate",
    "compare",
    "estimate_cost",
    "load_target",
    "load_vela",
    "load_workload",
    "measure",
    "placed_traffic",
    "plan",
    "presets",
    "read_instance",
    "resident_traffic",
    "sweep",
    "write_instance",
]
