"""What cannot be converted: every operator named, with its place; steps of different structure."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from itrt.converter.calibration import Calibrator
from itrt.converter.convert import convert, float_graph
from itrt.converter.float_executor import FloatExecutor
from itrt.errors import ConversionError
from itrt.nn import IterativeNetwork
from reference.networks import MEAN, STD, random_image


class Unsupported(IterativeNetwork):
    """Several operators without a lowering, some in the stem, some in the block."""

    def __init__(self) -> None:
        super().__init__(iterations=1)
        self.encoder = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.Softmax2d(), nn.Conv2d(8, 8, 1), nn.Softmax2d())
        self.norm = nn.GroupNorm(2, 8)

    def stem(self, image: Tensor) -> Tensor:
        return self.encoder(image)

    def block(self, state: Tensor, features: Tensor, step: int) -> Tensor:
        mixed = functional.interpolate(features, scale_factor=2.0, mode="bicubic")
        return self.norm(state).cumsum(1) + torch.cat((mixed, mixed), dim=2)[:, :, ::4, ::2].relu()

    def head(self, state: Tensor) -> Tensor:
        return state


def test_all_unsupported_operators_are_listed_at_once() -> None:
    with pytest.raises(ConversionError) as error:
        float_graph(Unsupported(), MEAN, STD)
    message = str(error.value)
    assert "aten.softmax.int: 2 in stem, module encoder.1; stem, module encoder.3" in message
    assert "aten.group_norm.default: 1 in block, module norm" in message
    assert "aten.upsample_bicubic2d.vec: 1 in block" in message
    assert "aten.cumsum.default: 1 in block" in message
    assert "aten.relu" not in message  # it can be converted, but for its input, which is listed


class OneLayer(nn.Module):
    """A convolution, and then whatever a test is about."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, 3, padding=1)
        self.function = function

    def forward(self, image: Tensor) -> Tensor:
        return self.function(self.convolution(image))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: functional.interpolate(x, scale_factor=2.0, mode="bicubic"), "aten.upsample_bicubic2d"),
        (lambda x: functional.interpolate(x, size=(x.shape[2] + x.shape[3], 9)), "is not the size of another tensor"),
        (
            lambda x: functional.adaptive_avg_pool2d(x, (3, 5)) + torch.ones(4, 3, 5),
            r"a parameter of shape \(4, 3, 5\); one value, or one a channel",
        ),
        (lambda x: x / 0.0, "divides by zero"),
        (lambda x: x / x, "expected parameters, found computed values"),
        (lambda x: torch.add(x, x, alpha=2) @ x.transpose(2, 3), "aten.transpose.int exchanges the axes"),
        (lambda x: torch.cat((x, x), dim=2), "has dim 2"),
        (lambda x: functional.pad(x, (1, 1, 1, 1), value=3.0), "zeros, reflect and replicate are supported"),
        (lambda x: functional.pad(x, (0, 0, 0, x.shape[2] // 2)), "do not depend on the image"),
        (lambda x: functional.avg_pool2d(x, 2, divisor_override=3), "divisor_override=3"),
        (lambda x: x.mean(1, keepdim=True), r"averages over dimensions \[1\]|averages over dimensions \(1,\)"),
        (
            lambda x: functional.linear(functional.adaptive_avg_pool2d(x, (3, 5)), torch.ones(2, 5)),
            r"acts on other than flattened tensors",
        ),
        (lambda x: x.chunk(2, 2)[0] * 2.0, r"divides axis 2 of \(1, 4, height, width\)"),
        (lambda x: functional.max_pool2d(x, 2, return_indices=True)[1] * 2.0, "takes result 1; the first is supported"),
        (lambda x: x[:, : x.shape[2] // 999 + 2].sum(1, keepdim=True), "slices from 0 to"),
        (lambda x: x[:, :, :16], "depends on the size of the image"),
        (lambda x: x.flatten(2).reshape(x.shape), "which depend on the image"),
        (
            lambda x: x.view(1, 2, 2, *x.shape[2:]).relu().view(x.shape),
            r"reads values that were reshaped to \(1, 2, 2, height, width\)",
        ),
        (lambda x: functional.dropout(x, training=True), "drops values although"),
        (lambda x: functional.batch_norm(x, None, None, training=True), "statistics of the batch"),
        (lambda x: functional.conv2d(x, x[:, :, :3, :3].mean((2, 3)).view(1, 4, 1, 1)), "found computed values"),
        (lambda x: x.clamp(x.mean(), 1.0), "two ordered numbers"),
        (lambda x: x.sum(), r"expected a result of shape .* found \(\)"),
        (lambda x: torch.zeros(1, 3, 4, 4), "found a constant"),
    ],
)
def test_what_is_not_supported_is_explained(function: Callable[[Tensor], Tensor], message: str) -> None:
    with pytest.raises(ConversionError, match=message):
        float_graph(OneLayer(function), MEAN, STD)


class Stepwise(IterativeNetwork):
    """A block whose structure a function of the step decides."""

    def __init__(self, change: Callable[[Tensor, int], Tensor]) -> None:
        super().__init__(iterations=3)
        self.first = nn.Conv2d(3, 4, 1)
        self.change = change

    def stem(self, image: Tensor) -> Tensor:
        return self.first(image)

    def block(self, state: Tensor, features: Tensor, step: int) -> Tensor:
        return self.change(state + features, step)

    def head(self, state: Tensor) -> Tensor:
        return state


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, step: x.relu() if step < 2 else x.sigmoid(), r"step 2 has aten.sigmoid.default .* has aten.relu"),
        (lambda x, step: x.relu() if step < 1 else x, r"step 1 ends where step 0 has aten.relu.default"),
        (lambda x, step: x if step < 2 else x.relu(), r"step 2 has aten.relu.default .* where step 0 has ended"),
        (lambda x, step: x.clamp(0, 1 + step), r"step 1 has argument 2, step 0 has 1"),
        (
            lambda x, step: functional.conv2d(x, torch.ones(4, 4, 2 * step + 1, 1)),
            r"step 1 has a parameter \(4, 4, 3, 1\)",
        ),
    ],
)
def test_steps_of_different_structure_are_reported(change: Callable[[Tensor, int], Tensor], message: str) -> None:
    with pytest.raises(ConversionError, match=message):
        float_graph(Stepwise(change), MEAN, STD)


def test_a_block_must_keep_the_states_shape() -> None:
    with pytest.raises(ConversionError, match=r"block: expected a result of the state's shape"):
        float_graph(Stepwise(lambda x, step: functional.conv2d(x, torch.ones(4, 4, 3, 3))), MEAN, STD)


def test_control_flow_that_depends_on_the_data() -> None:
    with pytest.raises(ConversionError, match=r"stem of OneLayer: .* its control flow depends on the data"):
        float_graph(OneLayer(lambda x: x if float(x.sum()) > 0 else -x), MEAN, STD)


def test_a_network_of_one_size() -> None:
    network = OneLayer(lambda x: x + torch.ones(4, 24, 32))
    with pytest.raises(ConversionError, match=r"it can be exported with a fixed size \(24x32\), but .* any size"):
        float_graph(network, MEAN, STD, torch.zeros(1, 3, 24, 32))


def test_a_network_that_raises() -> None:
    def refuse(x: Tensor) -> Tensor:
        raise ValueError("only on Sundays\nand holidays")

    with pytest.raises(ConversionError, match=r"failed: only on Sundays$"):
        float_graph(OneLayer(refuse), MEAN, STD)


def test_values_that_are_not_finite_are_named() -> None:
    network = OneLayer(lambda x: x + x.relu())
    nn.init.constant_(network.convolution.bias, 3e38)
    graph = float_graph(network, MEAN, STD)
    with pytest.raises(ConversionError, match=r"stem\.add: expected finite values"):
        Calibrator(graph, FloatExecutor(graph), "mse").observe(random_image(8, 8))


def test_a_calibration_image_that_the_network_cannot_process(tmp_path: Path) -> None:
    network = OneLayer(lambda x: functional.max_pool2d(x, 16))
    arguments = {"calibration": [random_image(32, 32), random_image(9, 9)], "mean": MEAN, "std": STD}
    with pytest.raises(ConversionError, match="calibration image of 9x9: expected a size that the network can process"):
        convert(network, tmp_path / "a.itrt", classes=list("abcd"), **arguments)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []
