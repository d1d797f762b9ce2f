"""Any sequence of slices, shuffles, concatenations, crops and zero padding is what torch makes of it.

The captured section is written by hand beside torch's own computation, in place of an export for every example.
"""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from itrt.converter.captured import CapturedNetwork, Node, Section, Value
from itrt.converter.float_executor import FloatExecutor
from itrt.converter.float_operators import FloatGather, FloatPad
from itrt.converter.folding import fold_normalization, without_unused
from itrt.converter.lowering import lower
from reference.networks import MEAN, STD, normalized, random_image

IMAGE = random_image(9, 12)


class Recorder:
    """Computes with torch, and records what torch.export would have seen."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.tensors = {"image": normalized(IMAGE)}

    def record(self, operator: str, result: Tensor, /, **arguments: Any) -> str:
        name = f"value{len(self.nodes)}"
        self.nodes.append(Node(name, operator, arguments, ""))
        self.tensors[name] = result
        return name

    def slice(self, name: str, start: int, end: int, step: int) -> str:
        result = self.tensors[name][:, start:end:step]
        return self.record("aten.slice.Tensor", result, self=Value(name), dim=1, start=start, end=end, step=step)

    def concatenate(self, names: tuple[str, ...]) -> str:
        result = torch.cat([self.tensors[name] for name in names], dim=1)
        return self.record("aten.cat.default", result, tensors=tuple(map(Value, names)), dim=1)

    def shuffle(self, name: str, groups: int) -> str:
        channels, height, width = self.tensors[name].shape[1:]
        grouped = self.tensors[name].view(1, groups, channels // groups, height, width)
        viewed = self.record("aten.view.default", grouped, self=Value(name))
        swapped = self.record("aten.transpose.int", grouped.transpose(1, 2), self=Value(viewed), dim0=1, dim1=2)
        return self.record(
            "aten.reshape.default", grouped.transpose(1, 2).reshape(1, channels, height, width), self=Value(swapped)
        )

    def pad(self, name: str, amounts: tuple[int, ...]) -> str:
        result = F.pad(self.tensors[name], amounts)
        return self.record("aten.constant_pad_nd.default", result, self=Value(name), pad=amounts)

    def section(self, output: str) -> Section:
        def size(value: int, name: str) -> str:
            return {IMAGE.shape[0]: "height", IMAGE.shape[1]: "width"}.get(value, f"{name} {value}")

        dimensions = {
            name: (*map(str, tensor.shape[:-2]), size(tensor.shape[-2], "rows"), size(tensor.shape[-1], "columns"))
            for name, tensor in self.tensors.items()
        }
        shapes = {name: (int(d[1]), d[2], d[3]) for name, d in dimensions.items() if len(d) == 4}
        return Section("stem", ("image",), tuple(self.nodes), output, shapes, dimensions)


@st.composite
def recordings(draw: st.DrawFn) -> tuple[Recorder, str]:
    recorder = Recorder()
    alive = ["image", recorder.concatenate(("image", "image"))]
    for _ in range(draw(st.integers(1, 8))):
        name = draw(st.sampled_from(alive))
        channels, height, width = recorder.tensors[name].shape[1:]
        kind = draw(st.sampled_from(("slice", "concatenate", "shuffle", "pad")))
        if kind == "slice":
            start = draw(st.integers(0, channels - 1))
            step = draw(st.integers(1, 2))
            alive.append(recorder.slice(name, start, draw(st.integers(start + 1, channels)), step))
        elif kind == "shuffle":
            divisors = [d for d in range(1, channels + 1) if channels % d == 0]
            alive.append(recorder.shuffle(name, draw(st.sampled_from(divisors))))
        elif kind == "pad":
            amounts = tuple(draw(st.integers(-1, 2)) for _ in range(4))
            if height + amounts[2] + amounts[3] > 2 and width + amounts[0] + amounts[1] > 2:
                alive.append(recorder.pad(name, amounts))
        else:
            fitting = [other for other in alive if recorder.tensors[other].shape[2:] == (height, width)]
            others = draw(st.lists(st.sampled_from(fitting), min_size=1, max_size=2))
            alive.append(recorder.concatenate((name, *others)))
    return recorder, alive[-1]


@given(recordings())
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_channels_are_where_torch_has_them(recording: tuple[Recorder, str]) -> None:
    recorder, output = recording
    network = CapturedNetwork(recorder.section(output), None, None, 1, 1, 1)
    graph = without_unused(fold_normalization(lower(network, MEAN, STD)))
    (found,) = FloatExecutor(graph).run(IMAGE, 1)
    torch.testing.assert_close(found, recorder.tensors[output], rtol=1e-5, atol=1e-5)
    copies = [operator for operator in graph.stem if isinstance(operator, FloatGather)]
    assert len(copies) <= 1  # whatever was sliced and shuffled, channels are copied once
    assert len(graph.stem) <= 3 + sum(isinstance(operator, FloatPad) for operator in graph.stem)
