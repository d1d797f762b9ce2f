"""An independent look at plans: whatever a layer reads is there when it runs, and nothing lies where something else is.

It knows nothing of how a schedule was found: it asks, for every layer that the answer depends on, whether the
footprint's buffers hold what the layer reads and writes, at least the rows of one row of output; and, where a layer
writes over its own input, whether each row is still there when it is read.
"""

from __future__ import annotations

from itrt.planner import Plan, WeightMode, Workload
from itrt.planner.footprint import PlacedTensor, PlannedBuffer
from itrt.planner.schedule import Group
from itrt.planner.workload import Layer, Window


def check(plan: Plan) -> None:
    """Raise AssertionError where a plan could not be executed."""
    _check_buffers(plan)
    _check_cover(plan)
    alive = _alive(plan.work)
    _check_views(plan)
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
            for one in buffer.pieces:
                for two in other.pieces:
                    together = one.begin < two.end and two.begin < one.end
                    apart = not ranges_meet(buffer.offset + one.offset, one.size, other.offset + two.offset, two.size)
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
    size = plan.work.tensors[tensor]
    return any(
        piece.begin <= layer < piece.end
        and piece.offset <= place.start
        and place.start + (size.height * size.width - 1) * place.pixel_bytes + size.channels
        <= piece.offset + piece.size
        for buffer, place in _places(plan, tensor)
        for piece in buffer.pieces
    )


def _places(plan: Plan, tensor: int) -> list[tuple[PlannedBuffer, PlacedTensor]]:
    """The buffers that a tensor lies in as a whole, and where in them."""
    return [
        (buffer, place)
        for buffer in plan.footprint.buffers
        for place in buffer.tensors
        if place.index == tensor and buffer.kind == "tensor"
    ]


def ranges_meet(one: int, one_size: int, two: int, two_size: int) -> bool:
    """Whether two ranges of bytes have one in common."""
    return one < two + two_size and two < one + one_size


def _check_views(plan: Plan) -> None:
    """Tensors that lie among one another's channels are there at different bytes, or are gathered from one another."""
    for buffer in plan.footprint.buffers:
        views = [place for place in buffer.tensors if place.pixel_bytes != plan.work.tensors[place.index].channels]
        for place in views:
            assert any(
                layer.kind == "gather" and place.index in (layer.output, *layer.inputs) for layer in plan.work.layers
            ), plan.work.tensors[place.index].name


def _check_order_of_rows(plan: Plan, layer: Layer) -> None:
    """When a row of the output has been written, all rows that it and later ones read are still there."""
    rows_at_once = plan.target.granularity.rows or 1
    height = plan.work.tensors[layer.output].height
    for window in layer.windows:
        places = [
            (place, to)
            for buffer, place in _places(plan, window.input)
            for other, to in _places(plan, layer.output)
            if buffer is other
        ]
        for place, to in places:
            rows = _rows_read(plan.work, window, height)
            read = [_bytes_of_row(plan.work, place, row) for row in range(plan.work.tensors[window.input].height)]
            written: set[int] = set()
            for row in range(0, height, rows_at_once):
                for each in range(row, min(row + rows_at_once, height)):
                    written |= _bytes_of_row(plan.work, to, each)
                for needed in set().union(*rows[row:]):
                    assert not written & read[needed], (layer.name, row, needed)


def _bytes_of_row(work: Workload, place: PlacedTensor, row: int) -> set[int]:
    """The bytes of a tensor's row, above its buffer's offset."""
    tensor = work.tensors[place.index]
    first = place.start + row * tensor.width * place.pixel_bytes
    return {
        first + pixel * place.pixel_bytes + channel
        for pixel in range(tensor.width)
        for channel in range(tensor.channels)
    }


def _rows_read(work: Workload, window: Window, height: int) -> list[set[int]]:
    """For each row of the output, the rows of the input that it reads."""
    inside = range(work.tensors[window.input].height)
    taps = [tap * window.dilation[0] - window.padding[0] for tap in range(window.kernel[0])]
    return [{row * window.stride[0] + tap for tap in taps} & set(inside) for row in range(height)]


def _rows_held(plan: Plan, tensor: int, layer: int) -> int:
    """Rows of a tensor for which line buffers have room at a layer."""
    found = plan.work.tensors[tensor]
    return max(
        (
            buffer.size // found.row_bytes
            for buffer in plan.footprint.buffers
            if buffer.kind == "rows" and buffer.name.startswith(f"{found.name}: ") and buffer.live_bytes(layer)
        ),
        default=0,
    )


def _check_layer(plan: Plan, group: Group, index: int) -> None:
    layer = plan.work.layers[index]
    if layer.kind in ("convolution", "pool"):
        _check_order_of_rows(plan, layer)
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
            if buffer.kind == "weights" and buffer.layer == index and buffer.live_bytes(index)
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
