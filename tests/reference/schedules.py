"""An independent look at plans: whatever a layer reads is there when it runs, and nothing lies where something else is.

It knows nothing of how a schedule was found: it asks, for every layer that the answer depends on, whether the
footprint's buffers hold what the layer reads and writes, at least the rows of one row of output.
"""

from __future__ import annotations

from itrt.planner import Plan, WeightMode, Workload
from itrt.planner.schedule import Group
from itrt.planner.workload import Layer, Window


def check(plan: Plan) -> None:
    """Raise AssertionError where a plan could not be executed."""
    _check_buffers(plan)
    _check_cover(plan)
    alive = _alive(plan.work)
    for group in plan.schedule.groups:
        for index in group.layers:
            if plan.work.layers[index].output in alive:
                _check_layer(plan, group, index)


def _alive(work: Workload) -> set[int]:
    """Tensors that the logits or the next state depend on: stripes compute no row that nobody needs."""
    alive = {work.logits} if work.next_state is None else {work.logits, work.next_state}
    while True:
        more = {tensor for layer in work.layers if layer.output in alive for tensor in layer.inputs} - alive
        if not more:
            return alive
        alive |= more


def _check_buffers(plan: Plan) -> None:
    """No two buffers meet; all lie in their memory."""
    for number, buffer in enumerate(plan.footprint.buffers):
        in_arena = buffer.memory == plan.target.roles.arena
        assert buffer.offset >= 0
        if in_arena:
            assert buffer.offset + buffer.size <= plan.footprint.arena_bytes
        for other in plan.footprint.buffers[:number]:
            together = any(a < d and c < b for a, b in buffer.lifetimes for c, d in other.lifetimes)
            apart = buffer.offset + buffer.size <= other.offset or other.offset + other.size <= buffer.offset
            assert buffer.memory != other.memory or not together or apart, (buffer, other)
    assert plan.capacity is not None
    assert plan.footprint.arena_bytes <= plan.capacity


def _check_cover(plan: Plan) -> None:
    layers = [index for group in plan.schedule.groups for index in group.layers]
    assert layers == list(range(len(plan.work.layers)))
    for group in plan.schedule.groups:
        assert len({plan.work.layers[index].section for index in group.layers}) == 1


def _whole(plan: Plan, tensor: int, layer: int) -> bool:
    """Whether all of a tensor lies in the arena at a layer."""
    name = plan.work.tensors[tensor].name
    return any(
        buffer.kind == "tensor"
        and name in buffer.name.split(" = ")
        and buffer.size >= plan.work.tensors[tensor].bytes
        and any(begin <= layer < end for begin, end in buffer.lifetimes)
        for buffer in plan.footprint.buffers
    )


def _rows_held(plan: Plan, tensor: int, layer: int) -> int:
    """Rows of a tensor for which line buffers have room at a layer."""
    found = plan.work.tensors[tensor]
    return max(
        (
            buffer.size // found.row_bytes
            for buffer in plan.footprint.buffers
            if buffer.kind == "rows"
            and buffer.name.startswith(f"{found.name}: ")
            and any(begin <= layer < end for begin, end in buffer.lifetimes)
        ),
        default=0,
    )


def _check_layer(plan: Plan, group: Group, index: int) -> None:
    layer = plan.work.layers[index]
    for tensor in dict.fromkeys([*layer.inputs, layer.output]):
        if _whole(plan, tensor, index):
            continue
        assert group.rows is not None, f"{plan.work.tensors[tensor].name} is not there for layer {index}"
        needed = _rows_needed(plan.work, group, layer, tensor)
        assert _rows_held(plan, tensor, index) >= needed, (plan.work.tensors[tensor].name, index, group)
    placement = plan.schedule.weights[index]
    if layer.constant_bytes:
        size = sum(
            buffer.size
            for buffer in plan.footprint.buffers
            if buffer.kind == "weights"
            and buffer.layer == index
            and any(begin <= index < end for begin, end in buffer.lifetimes)
        )
        parts = placement.parts if placement.mode is WeightMode.SPLIT else 1
        assert size >= layer.constant_bytes / parts


def _rows_needed(work: Workload, group: Group, layer: Layer, tensor: int) -> int:
    """Rows of a tensor that a layer handles at one time when it computes a single row of its own."""
    if tensor == layer.output:
        return 1
    height = work.tensors[tensor].height
    output = work.tensors[layer.output].height
    return max(_window_rows(window, height, output) for window in layer.windows if window.input == tensor)


def _window_rows(window: Window, height: int, output: int) -> int:
    """The most rows of an input of `height` rows that a single row of the output depends on."""
    match window.reads:
        case "window":
            return min((window.kernel[0] - 1) * window.dilation[0] + 1, height)
        case "bilinear" | "aligned corners":
            return 1 if output == height else min(height, 2)
        case "divided":
            return max(-(-(o + 1) * height // output) - o * height // output for o in range(output))
        case "everything":
            return height
        case _:
            return 1
