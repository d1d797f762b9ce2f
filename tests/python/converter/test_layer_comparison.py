"""Float and int8 layer by layer: nothing is found where nothing is wrong, and planted faults are found by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from itrt.converter import LayerDifference, compare_layers, convert, first_fault
from itrt.converter.convert import float_graph
from itrt.converter.dequantization import Requantization, dequantized_graph
from itrt.converter.factor_text import factors_to_text
from itrt.converter.float_executor import FloatExecutor
from itrt.converter.float_graph import FloatGraph
from itrt.converter.layer_comparison import LayerComparison, float_graph_of
from itrt.errors import InvalidArgumentError, ModelFileError
from itrt.format import Constant, Convolution, Operator, Program
from itrt.format import Tensor as ProgramTensor
from reference.executor import execute
from reference.fixed_point import with_fixed_point
from reference.networks import MEAN, STD, random_image, tiny_network

IMAGES = [random_image(40, 48, seed=1), random_image(33, 51, seed=2)]


@pytest.fixture(scope="module")
def network() -> nn.Module:
    return tiny_network(2, norms=2)


@pytest.fixture(scope="module")
def program(network: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Program:
    path = tmp_path_factory.mktemp("compared") / "tiny.itrt"
    return convert(network, path, calibration=IMAGES, mean=MEAN, std=STD, equalize="on", correct_bias="on").program


@pytest.fixture(scope="module")
def graph(network: nn.Module) -> FloatGraph:
    return float_graph(network, MEAN, STD)


def compared(graph: FloatGraph, program: Program, images: Sequence[NDArray[np.uint8]]) -> tuple[LayerDifference, ...]:
    """`compare_layers` without capturing the network again."""
    comparison = LayerComparison(float_graph_of(program, graph), program)
    for image in images:
        comparison.add(image)
    return comparison.layers()


def with_operator(program: Program, name: str, **changes: Any) -> Program:
    """Return the program with one convolution changed."""

    def change(operators: tuple[Operator, ...]) -> tuple[Operator, ...]:
        return tuple(replace(each, **changes) if each.name == name else each for each in operators)

    return replace(program, stem=change(program.stem), block=change(program.block), head=change(program.head))


def convolution(program: Program, name: str) -> Convolution:
    return next(op for op in (*program.stem, *program.block) if isinstance(op, Convolution) and op.name == name)


def test_a_faithful_program_has_no_fault(network: nn.Module, program: Program) -> None:
    layers = compare_layers(network, program, iter(IMAGES))
    assert [(row.tensor, row.step) for row in layers] == [
        ("stem.first", None), ("state", None),
        ("block.mix", 0), ("head.last", 0), ("block.mix", 1), ("head.last", 1),
    ]  # fmt: skip
    assert [row.inputs for row in layers[:3]] == [("image",), ("stem.first",), ("state", "stem.first")]
    assert all(row.own_snr_db > 25.0 and row.snr_db > 25.0 for row in layers)
    assert all(row.own_snr_db > row.snr_db - 0.5 for row in layers)  # the noise of what came before only adds
    assert all(row.gain == pytest.approx(1.0, abs=0.02) and row.clipped < 0.01 for row in layers)
    assert first_fault(layers, program) is None


def test_a_spoiled_scale_is_found_by_name_and_iteration(graph: FloatGraph, program: Program) -> None:
    scales = convolution(program, "block.mix").scale.values
    spoiled = with_operator(program, "block.mix", scale=Constant((scales[0], (0.25 * scales[1]).astype(np.float32))))
    layers = compared(graph, spoiled, IMAGES[:1])
    fault = first_fault(layers, spoiled)
    assert fault is not None
    assert (fault.layer.tensor, fault.layer.step) == ("block.mix", 1)
    assert fault.layer.gain == pytest.approx(0.25, abs=0.03)
    times = f"{fault.layer.gain:.3g}"
    assert fault.reasons == (f"it computes {times} times what float computes: a scale is not the network's",)


def test_channels_that_compute_nothing_are_counted(graph: FloatGraph, program: Program) -> None:
    operator = convolution(program, "stem.first")
    (scale,) = operator.scale.values
    silent = np.where(np.arange(len(scale)) < 5, np.float32(0.0), scale).astype(np.float32)
    spoiled = with_operator(program, "stem.first", scale=Constant((silent,)))
    fault = first_fault(compared(graph, spoiled, IMAGES[:1]), spoiled)
    assert fault is not None
    assert fault.layer.tensor == "stem.first"
    assert fault.reasons[0] == f"{fault.layer.silent} of 6 channels are one value: weights or a scale of zero"
    assert 3 <= fault.layer.silent <= 5  # a channel may be silent in float, too


def test_ranges_that_clip_or_are_far_too_wide(
    network: nn.Module, graph: FloatGraph, program: Program, tmp_path: Path
) -> None:
    dark = [np.full_like(image, 104) + image // 64 for image in IMAGES]  # near the mean: tiny activations
    narrow = convert(network, tmp_path / "narrow.itrt", calibration=dark, mean=MEAN, std=STD, parity_images=0).program
    fault = first_fault(compared(graph, narrow, IMAGES), narrow)
    assert fault is not None
    assert fault.layer.tensor == "stem.first"
    assert f"{fault.layer.clipped:.1%} of float's values are beyond its range" in fault.reasons[0]
    layers = compared(graph, program, dark)
    assert layers[0].used < 0.2
    assert layers[0].clipped == 0.0


def test_noise_that_came_before_is_no_fault_of_the_layer(graph: FloatGraph, program: Program) -> None:
    layers = compared(graph, program, IMAGES)
    lower = next(row for row in layers[1:] if row.own_snr_db > row.snr_db + 0.1)
    noisy = [replace(row, snr_db=99.0) if row is not lower else row for row in layers]
    fault = first_fault(noisy, program, threshold_db=(lower.snr_db + lower.own_snr_db) / 2)
    assert fault is not None
    assert fault.layer is lower
    assert fault.reasons[0].startswith("the noise of its inputs: ")
    assert all(name in fault.reasons[0] for name in lower.inputs if name != "image")


def test_another_network_spoiled_metadata_and_wrong_arguments(graph: FloatGraph, program: Program) -> None:
    network = nn.Conv2d(3, 5, 1)
    with pytest.raises(InvalidArgumentError, match="whose tensor stem.first has 6 channels, found one in .* has none"):
        compare_layers(network, program, IMAGES)
    with pytest.raises(ModelFileError, match="metadata equalization"):
        compared(graph, replace(program, metadata={"equalization": "none"}), IMAGES)
    foreign = replace(program, metadata={"equalization": factors_to_text({"state": np.ones(7)})})
    with pytest.raises(InvalidArgumentError, match="expected 6 factors of channels of state, found 7"):
        compared(graph, foreign, IMAGES)
    with pytest.raises(InvalidArgumentError, match="images: expected at least one"):
        compared(graph, program, [])
    with pytest.raises(InvalidArgumentError, match="threshold_db: expected a finite number"):
        first_fault(compared(graph, program, IMAGES[:1]), program, float("nan"))


def test_an_image_is_checked_when_its_turn_comes(network: nn.Module, program: Program) -> None:
    with pytest.raises(InvalidArgumentError, match="image 1: expected a uint8 array"):
        compare_layers(network, program, [IMAGES[0], IMAGES[0][0]])


class Everything(nn.Module):
    """Every operator that a program has."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.grouped = nn.Conv2d(8, 8, (3, 2), stride=2, padding=(2, 1), dilation=(2, 1), groups=4)
        self.slopes = nn.PReLU(8)
        self.space = nn.Conv2d(8, 16, 1)
        self.last = nn.Conv2d(8, 4, 3)

    def forward(self, image: Tensor) -> Tensor:
        x = functional.silu(self.first(image))
        y = functional.max_pool2d(self.slopes(self.grouped(x)), 3, 2, 1)
        gate = functional.adaptive_avg_pool2d(y, 1).sigmoid()
        y = functional.pad(y * gate, (1, 0, 2, 1), mode="replicate")
        space = functional.pixel_shuffle(self.space(y), 2)
        up = functional.interpolate(space, size=x.shape[2:], mode="bilinear")
        shuffled = torch.cat((up, functional.avg_pool2d(x, 3, 1, 1)[:, ::2]), dim=1)
        return self.last(functional.hardtanh(shuffled - 0.5 * x, -1.5, 2.0))


def real(stored: NDArray[np.uint8], tensor: ProgramTensor) -> Tensor:
    """Return the real values of stored ones, (1, channels, height, width)."""
    values = torch.from_numpy(stored.astype(np.float32) - np.array(tensor.zero_points, np.float32))
    return (values * tensor.scale).permute(2, 0, 1)[None]


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Program:
    torch.manual_seed(0)
    network, path = Everything().eval(), tmp_path_factory.mktemp("everything") / "all.itrt"
    program = convert(network, path, calibration=IMAGES, mean=MEAN, std=STD, parity_images=0, correct_bias="on").program
    kinds = {type(operator).__name__ for operator in program.stem}
    assert kinds == {
        "Convolution", "Lookup", "Pool", "AdaptivePool", "Multiply", "Pad", "DepthToSpace", "Resize", "Add", "Gather",
    }  # fmt: skip
    return program


@pytest.mark.parametrize("integers", [False, True], ids=["float", "fixed"])
def test_the_simulation_computes_what_the_program_computes(everything: Program, integers: bool) -> None:
    program = with_fixed_point(everything) if integers else everything
    requantization, simulated = Requantization(program), dequantized_graph(program)
    simulator = FloatExecutor(simulated)
    expected = execute(program, IMAGES[1], 1).tensors
    inputs = {tensor.name: real(expected[tensor.name, None], tensor) for tensor in program.tensors[1:]}
    inputs["image"] = real(IMAGES[1], program.tensors[0])
    for operator in simulated.operators:
        name = operator.output
        found = requantization.rounded(name, simulator.result(operator, inputs, 0))
        scale = next(tensor.scale for tensor in program.tensors if tensor.name == name)
        steps = ((found - inputs[name]) / scale).abs().round()
        # Halves fall to either side; resampling has weights of 1/128 and is off more often.
        assert float(steps.max()) <= 1.0, name
        assert float((steps > 0).float().mean()) < (0.15 if "resize" in name else 0.01), name
