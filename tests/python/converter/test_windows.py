"""Pools and resampling with any parameters: the integers are what torch computes from the same values, to a rounding.

The captured section is written by hand in place of an export, which would take a second for every example.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from itrt import load
from itrt.converter.calibration import Calibrator
from itrt.converter.captured import CapturedNetwork, Node, Section, Value
from itrt.converter.fake_quantization import FakeQuantizedNetwork
from itrt.converter.float_executor import FloatExecutor
from itrt.converter.folding import fold_normalization
from itrt.converter.lowering import lower
from itrt.converter.quantization import quantize_graph
from itrt.format import Preprocessing, Program, to_bytes
from reference.conversion import stored_tensors
from reference.executor import execute
from reference.networks import MEAN, STD, random_image

IMAGE = random_image(11, 14)
COMMON = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
Pair = tuple[int, int]


@dataclass(frozen=True)
class Case:
    """The normalized image and one operator, calibrated with one image."""

    program: Program
    network: FakeQuantizedNetwork


def case_of(operator: str, **arguments: Any) -> Case:
    node = Node("value0", operator, arguments, "layer")
    shapes = {"image": (3, "height", "width"), "value0": (3, "rows", "columns")}
    dimensions = {name: ("1", str(channels), height, width) for name, (channels, height, width) in shapes.items()}
    section = Section("stem", ("image",), (node,), "value0", shapes, dimensions)
    lowered = lower(CapturedNetwork(section, None, None, 1, 1, 1), MEAN, STD)
    graph = fold_normalization(lowered)
    calibrator = Calibrator(graph, FloatExecutor(graph), "minmax")
    calibrator.observe(IMAGE)
    quantized = quantize_graph(graph, calibrator.ranges())
    program = Program(
        name="window",
        iterations=1,
        max_iterations=1,
        tensors=quantized.tensors,
        image=quantized.index(graph.image),
        state=None,
        next_state=None,
        logits=quantized.index(graph.logits),
        stem=quantized.stem,
        block=(),
        head=(),
        preprocessing=Preprocessing(MEAN, STD),
        classes=("a", "b", "c"),
        palette=((0, 0, 0),) * 3,
    )
    return Case(program, FakeQuantizedNetwork(lowered, calibrator.ranges()))


def error_in_steps(case: Case, expected: Any) -> float:
    """Largest difference of the last operator from torch on what it reads, in output steps.

    Checks the runtime and the fake-quantized network, too.
    """
    program = case.program
    tensors = execute(program, IMAGE, 1).tensors
    for found in (load(to_bytes(program)).taps(IMAGE, iterations=1), stored_tensors(case.network, IMAGE, 1)):
        assert all(np.array_equal(found[key], value) for key, value in tensors.items())

    def real(index: int) -> Tensor:
        tensor = program.tensors[index]
        stored = torch.from_numpy(tensors[tensor.name, None].astype(np.float64))
        return ((stored - tensor.zero_points[0]) * tensor.scale).permute(2, 0, 1)[None]

    target = program.tensors[program.logits]
    result, wanted = real(program.logits), expected(real(program.stem[0].output))
    assert result.shape == wanted.shape
    low, high = (bound * target.scale for bound in (-target.zero_points[0], 255 - target.zero_points[0]))
    return float((result - wanted.clamp(low, high)).abs().max() / target.scale)


def pairs(low: int, high: int) -> st.SearchStrategy[Pair]:
    return st.tuples(st.integers(low, high), st.integers(low, high))


@st.composite
def windows(draw: st.DrawFn) -> dict[str, Any]:
    kernel = draw(pairs(1, 5))
    padding = tuple(draw(st.integers(0, size // 2)) for size in kernel)
    return {"kernel_size": kernel, "stride": draw(pairs(1, 4)), "padding": padding, "ceil_mode": draw(st.booleans())}


@given(windows(), pairs(1, 3))
@COMMON
def test_max_pool(window: dict[str, Any], dilation: Pair) -> None:
    assume(all(d * (k - 1) < 10 for d, k in zip(dilation, window["kernel_size"], strict=True)))
    arguments = {**window, "dilation": dilation}
    case = case_of("aten.max_pool2d.default", self=Value("image"), **arguments)
    assert error_in_steps(case, lambda x: F.max_pool2d(x, **arguments)) < 1e-6


@given(windows(), st.booleans())
@COMMON
def test_average_pool(window: dict[str, Any], count: bool) -> None:
    arguments = {**window, "count_include_pad": count}
    case = case_of("aten.avg_pool2d.default", self=Value("image"), divisor_override=None, **arguments)
    assert error_in_steps(case, lambda x: F.avg_pool2d(x, **arguments)) < 0.52


@given(pairs(1, 14))
@COMMON
def test_adaptive_average_pool(size: Pair) -> None:
    case = case_of("aten.adaptive_avg_pool2d.default", self=Value("image"), output_size=size)
    assert error_in_steps(case, lambda x: F.adaptive_avg_pool2d(x, size)) < 0.52


@given(st.sampled_from((0.5, 1.5, 2.0, 3.0, 1 / 3)), st.sampled_from((0.5, 2.0, 4.0)), st.booleans())
@COMMON
def test_bilinear(down: float, across: float, align_corners: bool) -> None:
    factors = (down, across)
    size = [int(length * factor + 1e-9) for length, factor in zip(IMAGE.shape[:2], factors, strict=True)]
    case = case_of(
        "aten.upsample_bilinear2d.vec",
        input=Value("image"),
        output_size=None,
        scale_factors=factors,
        align_corners=align_corners,
    )
    # Weights have 7 bits an axis: each is off by 1/256 at most, of values that differ by 255 steps at most.
    error = error_in_steps(case, lambda x: F.interpolate(x, size=size, mode="bilinear", align_corners=align_corners))
    assert error < 0.5 + 2 * 255 / 256


@given(pairs(1, 4), pairs(1, 30))
@COMMON
def test_nearest(factors: Pair, size: Pair) -> None:
    case = case_of(
        "aten.upsample_nearest2d.vec", input=Value("image"), output_size=None, scale_factors=tuple(map(float, factors))
    )
    assert error_in_steps(case, lambda x: F.interpolate(x, scale_factor=tuple(map(float, factors)))) < 1e-6
