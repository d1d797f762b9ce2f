"""A plan as plain data for JSON: stable names, units in the names, None for what is unknown (docs/planner.md)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from itrt.planner.accelerator import Accelerator
from itrt.planner.cost import Cost, LayerCost
from itrt.planner.footprint import PlannedBuffer
from itrt.planner.measures import GraphMeasures, measure
from itrt.planner.planning import DoesNotFitError, Plan
from itrt.planner.schedule import Group, layer_label
from itrt.planner.traffic import Traffic
from itrt.planner.workload import Workload

_DATA_VERSION = 2  # rises when a name of the data is dropped or means something else


def plan_data(plan: Plan, front: Sequence[Plan] = ()) -> dict[str, Any]:
    """Return everything of a plan, and of the trade-off front around it."""
    work, footprint = plan.work, plan.footprint
    image = work.tensors[work.image]
    return {
        "data_version": _DATA_VERSION,
        "fits": plan.fits,
        "network": work.name,
        "height_pixels": image.height,
        "width_pixels": image.width,
        "iterations": work.iterations,
        "answers": work.answers,
        "target": _target(plan.cost.accelerator),
        "capacity_bytes": plan.capacity,
        "arena_bytes": plan.arena_bytes,
        "weight_memory_bytes": footprint.weight_bytes,
        "lower_bound_bytes": footprint.lower_bound,
        "proven": footprint.proven,
        "deciding_layer": plan.deciding_layer,
        "groups": [_group(work, group) for group in plan.schedule.groups],
        "spilled_tensors": [work.tensors[tensor].name for tensor in sorted(plan.schedule.spilled)],
        "buffers": [_buffer(work, buffer) for buffer in footprint.buffers],
        "layers": [_layer(plan, index, each) for index, each in enumerate(plan.cost.layers)],
        "costs": {
            "setup": _cost(plan.cost.setup),
            **{section: _cost(cost) for section, cost in plan.cost.sections.items()},
            "run": _cost(plan.cost.total),
        },
        "measures": [each.row() for each in measure(work)],
        "front": front_data(front),
    }


def front_data(front: Sequence[Plan]) -> list[dict[str, Any]]:
    """Return the trade-off front: an entry a plan."""
    return [
        {
            "arena_bytes": plan.arena_bytes,
            "far_bytes": plan.far_bytes,
            "macs": plan.macs,
            "run_seconds": plan.cost.total.seconds,
            "iteration_seconds": plan.cost.iteration.seconds,
        }
        for plan in front
    ]


def misfit_data(error: DoesNotFitError) -> dict[str, Any]:
    """Return why there is no plan."""
    return {
        "fits": False,
        "message": str(error),
        "smallest_bytes": error.smallest,
        "deciding_layer": error.layer,
    }


def comparison_data(forms: Sequence[GraphMeasures], plan: Plan | DoesNotFitError | None) -> dict[str, Any]:
    """Return a network's measures and its plan, why there is none, or None where nobody asked for one."""
    planned = None if plan is None else misfit_data(plan) if isinstance(plan, DoesNotFitError) else plan_data(plan)
    return {"network": forms[0].network, "measures": [each.row() for each in forms], "plan": planned}


def as_json(data: dict[str, Any]) -> bytes:
    """Return a file's bytes."""
    return (json.dumps(data, indent=2, allow_nan=False) + "\n").encode()


def _target(target: Accelerator) -> dict[str, Any]:
    compute = target.compute
    return {
        "name": target.name,
        "description": target.description,
        "roles": asdict(target.roles),
        "memories": [
            {
                "name": memory.name,
                "kind": memory.kind,
                "size_bytes": memory.size,
                "read_bytes_a_second": memory.read_bandwidth,
                "write_bytes_a_second": memory.write_bandwidth,
                "read_latency_seconds": memory.read_latency,
                "write_latency_seconds": memory.write_latency,
                "read_joules_a_byte": memory.read_energy,
                "write_joules_a_byte": memory.write_energy,
            }
            for memory in target.memories.values()
        ],
        "clock_hertz": compute.clock,
        "macs_per_cycle": dict(compute.macs_per_cycle),
        "macs_per_second": dict(compute.macs_per_second),
        "joules_a_mac": compute.energy_per_mac,
        "energy_includes_memory": compute.energy_includes_memory,
        "granularity": {
            "input_channels": target.granularity.input_channels,
            "output_channels": target.granularity.output_channels,
            "rows": target.granularity.rows,
            "address_bytes": target.granularity.address,
        },
        "overlap": target.overlap,
        "sources": dict(target.sources),
    }


def _group(work: Workload, group: Group) -> dict[str, Any]:
    return {
        "first_layer": group.first,
        "last_layer": group.last,
        "section": work.layers[group.first].section,
        "rows": group.rows,
        "halo": None if group.rows is None else group.halo.value,
        "iterations_a_pass": group.passes,
    }


def _buffer(work: Workload, buffer: PlannedBuffer) -> dict[str, Any]:
    return {
        "name": buffer.name,
        "kind": buffer.kind,
        "layer": None if buffer.layer is None else layer_label(work.layers[buffer.layer]),
        "memory": buffer.memory,
        "offset_bytes": buffer.offset,
        "size_bytes": buffer.size,
        "pieces": [
            {
                "first_step": piece.begin,
                "end_step": piece.end,
                "offset_bytes": buffer.offset + piece.offset,
                "size_bytes": piece.size,
            }
            for piece in buffer.pieces
        ],
        "tensors": [
            {
                "name": work.tensors[tensor.index].name,
                "offset_bytes": buffer.offset + tensor.start,
                "pixel_bytes": tensor.pixel_bytes,
            }
            for tensor in buffer.tensors
        ],
    }


def _layer(plan: Plan, index: int, each: LayerCost) -> dict[str, Any]:
    layer, placement = each.layer, plan.schedule.weights[index]
    output = plan.work.tensors[layer.output]
    return {
        "name": layer_label(layer),
        "section": layer.section,
        "kind": layer.kind,
        "output": {"height": output.height, "width": output.width, "channels": output.channels},
        "constant_bytes": layer.constant_bytes,
        "weights": placement.mode.value if layer.constant_bytes else None,
        "weight_parts": placement.parts,
        **_cost(each.cost),
        "utilization": each.utilization,
        "bound": each.bound,
    }


def _cost(cost: Cost) -> dict[str, Any]:
    return {
        "macs": cost.macs,
        "compute_cycles": cost.compute_cycles,
        "compute_seconds": cost.compute_seconds,
        "overlapped_seconds": cost.overlapped_seconds,
        "sequential_seconds": cost.sequential_seconds,
        "seconds": cost.seconds,
        "energy_joules": cost.energy,
        "traffic": [_traffic(each) for each in cost.traffic],
    }


def _traffic(each: Traffic) -> dict[str, Any]:
    return {
        "memory": each.memory,
        "read_bytes": each.read_bytes,
        "written_bytes": each.written_bytes,
        "waiting_reads": each.waiting_reads,
        "waiting_writes": each.waiting_writes,
    }
