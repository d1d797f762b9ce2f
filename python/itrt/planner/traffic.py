"""Bytes that a layer moves, memory by memory. What moves is decided by a plan; the cost model takes it as it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from itrt.errors import InvalidArgumentError
from itrt.planner.accelerator import Accelerator
from itrt.planner.workload import Layer, Workload


@dataclass(frozen=True)
class Traffic:
    """Bytes that are read from and written to a memory, in so many transfers that wait for the memory's latency.

    A transfer that is issued early enough waits for nothing: it is not counted.
    """

    memory: str
    read_bytes: int = 0
    written_bytes: int = 0
    waiting_reads: int = 0
    waiting_writes: int = 0

    def __post_init__(self) -> None:
        for name in ("read_bytes", "written_bytes", "waiting_reads", "waiting_writes"):
            if getattr(self, name) < 0:
                raise InvalidArgumentError(
                    f"traffic of {self.memory}: {name}: expected at least 0, found {getattr(self, name)}"
                )

    def __add__(self, other: Traffic) -> Traffic:
        return Traffic(
            self.memory,
            self.read_bytes + other.read_bytes,
            self.written_bytes + other.written_bytes,
            self.waiting_reads + other.waiting_reads,
            self.waiting_writes + other.waiting_writes,
        )

    def times(self, count: int) -> Traffic:
        """The traffic of so many executions."""
        return Traffic(
            self.memory,
            self.read_bytes * count,
            self.written_bytes * count,
            self.waiting_reads * count,
            self.waiting_writes * count,
        )

    @property
    def bytes(self) -> int:
        """Read and written."""
        return self.read_bytes + self.written_bytes


def merged(traffic: Iterable[Traffic]) -> tuple[Traffic, ...]:
    """The sum, one entry a memory, in the order in which memories first appear."""
    found: dict[str, Traffic] = {}
    for each in traffic:
        found[each.memory] = found[each.memory] + each if each.memory in found else each
    return tuple(found.values())


def placed_traffic(
    work: Workload,
    tensor_memory: Mapping[int, str],
    weight_memory: Sequence[str],
) -> tuple[tuple[Traffic, ...], ...]:
    """Return the traffic of every layer where each tensor and each layer's constants live in one memory.

    A layer reads each of its inputs and its constants once and writes its output once.

    Args:
        work: the layers.
        tensor_memory: a memory's name by the tensor's index.
        weight_memory: a memory's name a layer.

    """
    if len(weight_memory) != len(work.layers):
        raise InvalidArgumentError(
            f"weight_memory: expected {len(work.layers)} names, one a layer, found {len(weight_memory)}"
        )
    for layer in work.layers:
        for tensor in (*layer.inputs, layer.output):
            if tensor not in tensor_memory:
                raise InvalidArgumentError(
                    f"tensor_memory: expected the memory of {work.tensors[tensor].name} (tensor {tensor}), found none"
                )
    return tuple(
        _layer_traffic(work, layer, tensor_memory, memory)
        for layer, memory in zip(work.layers, weight_memory, strict=True)
    )


def resident_traffic(work: Workload, accelerator: Accelerator) -> tuple[tuple[Traffic, ...], ...]:
    """Return the traffic of every layer where all activations are in the arena and all weights in their memory.

    Whether they fit there is not asked: this is the least that a plan can move, layer by layer.
    """
    tensors = dict.fromkeys(range(len(work.tensors)), accelerator.roles.arena)
    return placed_traffic(work, tensors, [accelerator.roles.weights] * len(work.layers))


def _layer_traffic(
    work: Workload, layer: Layer, tensor_memory: Mapping[int, str], weight_memory: str
) -> tuple[Traffic, ...]:
    reads = [Traffic(tensor_memory[index], read_bytes=work.tensors[index].bytes) for index in layer.inputs]
    constants = [Traffic(weight_memory, read_bytes=layer.constant_bytes)] if layer.constant_bytes else []
    written = Traffic(tensor_memory[layer.output], written_bytes=work.tensors[layer.output].bytes)
    return merged([*reads, *constants, written])
