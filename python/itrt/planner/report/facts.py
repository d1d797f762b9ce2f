"""What a plan decided, in words."""

from __future__ import annotations

from itrt.planner.planning import Plan
from itrt.planner.schedule import Group, Halo, WeightMode, layer_label
from itrt.text import UNKNOWN, binary_size, counted, percent


def facts(plan: Plan) -> list[tuple[str, str]]:
    """Return what was decided, as names and values."""
    work, target, footprint = plan.work, plan.target, plan.footprint
    image = work.tensors[work.image]
    found = [
        (
            "network",
            f"{work.name} at {image.height}x{image.width}: {counted(work.iterations, 'iteration')}, "
            f"{counted(work.answers, 'answer')}",
        ),
        ("accelerator", f"{target.name}: {target.description}"),
        (
            "arena",
            f"{binary_size(plan.arena_bytes)} of {capacity_text(plan)} in {target.roles.arena}: {verdict(plan)}",
        ),
        ("lower bound", _bound(plan)),
        ("most is live at", plan.deciding_layer),
    ]
    if footprint.weight_bytes:
        size = target.weights.size
        of = "" if size is None else f" of {binary_size(size)}"
        found.append(("memory of weights", f"{binary_size(footprint.weight_bytes)}{of} in {target.roles.weights}"))
    found += [
        ("weights", _weights(plan)),
        ("stripes", "; ".join(_stripes(plan, group) for group in striped_groups(plan)) or "none"),
        ("written over its input", ", ".join(_over_inputs(plan)) or "nothing"),
        ("part of another", ", ".join(_views(plan)) or "nothing"),
        ("moved out", ", ".join(work.tensors[tensor].name for tensor in sorted(plan.schedule.spilled)) or "nothing"),
    ]
    return found


def capacity_text(plan: Plan) -> str:
    """The memory that there is."""
    return UNKNOWN if plan.capacity is None else binary_size(plan.capacity)


def verdict(plan: Plan) -> str:
    """Whether the arena fits, and how much of the memory it takes. A plan that does not fit is one for a cache."""
    if plan.capacity is None:
        return "whether it fits is unknown"
    share = percent(plan.arena_bytes / plan.capacity)
    return f"fits, {share}" if plan.fits else f"larger than the cache, {share}"


def striped_groups(plan: Plan) -> list[Group]:
    """The groups that run in stripes of rows."""
    return [group for group in plan.schedule.groups if group.rows is not None]


def group_text(group: Group) -> str:
    """How a striped group runs: "8 rows, halo kept"."""
    halo = "halo kept" if group.halo is Halo.KEPT else "halo recomputed"
    passes = f", {group.passes} iterations a pass" if group.passes > 1 else ""
    return f"{counted(group.rows or 0, 'row')}, {halo}{passes}"


def gap(plan: Plan) -> float:
    """How much of the lower bound the arena is above it."""
    return plan.arena_bytes / plan.footprint.lower_bound - 1 if plan.footprint.lower_bound else 0.0


def _bound(plan: Plan) -> str:
    bound = binary_size(plan.footprint.lower_bound)
    if plan.footprint.proven:
        return f"{bound}: no layout of these buffers is smaller"
    return f"{bound}: the layout is at most {percent(gap(plan))} above the smallest"


def _weights(plan: Plan) -> str:
    found: dict[WeightMode, list[int]] = {}
    for layer, placement in zip(plan.work.layers, plan.schedule.weights, strict=True):
        if layer.constant_bytes:
            found.setdefault(placement.mode, []).append(layer.constant_bytes)
    meaning = {
        WeightMode.RESIDENT: "resident",
        WeightMode.HELD: "fetched once an iteration",
        WeightMode.SPLIT: "fetched in parts",
    }
    texts = [
        f"{counted(len(found[mode]), 'layer')} {text} ({binary_size(sum(found[mode]))})"
        for mode, text in meaning.items()
        if mode in found
    ]
    return ", ".join(texts) or "none"


def _views(plan: Plan) -> list[str]:
    """Inputs of concatenations that are written where the concatenation is, and splits that are not copied."""
    tensors = plan.work.tensors
    placed = (each for buffer in plan.footprint.buffers for each in buffer.tensors)
    return [tensors[each.index].name for each in placed if each.pixel_bytes != tensors[each.index].channels]


def _over_inputs(plan: Plan) -> list[str]:
    """Convolutions and pools whose output and input share a buffer: the input begins above the output."""
    found = []
    for layer in plan.work.layers:
        for buffer in plan.footprint.buffers:
            starts = {tensor.index: tensor.start for tensor in buffer.tensors}
            above = [starts[tensor] for tensor in layer.inputs if tensor in starts and layer.output in starts]
            if layer.kind in ("convolution", "pool") and above and max(above) > starts[layer.output]:
                found.append(f"{layer_label(layer)} ({binary_size(max(above) - starts[layer.output])} behind)")
    return found


def _stripes(plan: Plan, group: Group) -> str:
    first, last = (layer_label(plan.work.layers[index]) for index in (group.first, group.last))
    names = first if group.first == group.last else f"{first} to {last}"
    return f"{names}: {group_text(group)}"
