"""What cannot be converted: every operator named, with its place; steps of different structure."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from itrt.converter.calibration import Calibrator
from itrt.converter.convert import float_graph
from itrt.converter.float_executor import FloatExecutor
from itrt.errors import ConversionError
from itrt.nn import IterativeNetwork
from reference.networks import MEAN, STD, random_image


class Unsupported(IterativeNetwork):
    """Several operators without a lowering, some in the stem, some in the block."""

    def __init__(self) -> None:
        super().__init__(iterations=1)
        self.encoder = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.SiLU(), nn.Conv2d(8, 8, 1), nn.SiLU())
        self.pool = nn.AvgPool2d(3, 1, 1)

    def stem(self, image: Tensor) -> Tensor:
        return self.encoder(image)

    def block(self, state: Tensor, features: Tensor, step: int) -> Tensor:
        mixed = torch.cat((state, features), dim=1)
        return self.pool(state).sigmoid() + functional.relu(mixed)[:, :8]

    def head(self, state: Tensor) -> Tensor:
        return state


def test_all_unsupported_operators_are_listed_at_once() -> None:
    with pytest.raises(ConversionError) as error:
        float_graph(Unsupported(), MEAN, STD)
    message = str(error.value)
    assert "aten.silu.default: 2 in stem, module encoder.1; stem, module encoder.3" in message
    assert "aten.avg_pool2d.default: 1 in block, module pool" in message
    assert "aten.sigmoid.default: 1 in block" in message
    assert "aten.slice.Tensor" in message
    assert "aten.relu.default reads a concatenation, which only convolutions can do: 1 in block" in message


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
        (lambda x: functional.interpolate(x, scale_factor=2.0, mode="bilinear"), "not the size of another tensor"),
        (
            lambda x: functional.interpolate(x, size=x.shape[2:], mode="bilinear", align_corners=True),
            "align_corners=True",
        ),
        (lambda x: functional.interpolate(x, scale_factor=2.0), "aten.upsample_nearest2d"),
        (lambda x: functional.conv_transpose2d(x, torch.ones(4, 4, 2, 2)), "aten.conv_transpose2d|is transposed"),
        (lambda x: x + 1.0, "expected an activation, found 1.0"),
        (lambda x: x + x[:, :1], "aten.slice"),
        (lambda x: torch.cat((x, x), dim=2), "has dim 2"),
        (
            lambda x: functional.conv2d(torch.cat((x, x), 1), torch.ones(8, 1, 1, 1), groups=8),
            "concatenation with 8 groups",
        ),
        (lambda x: functional.pad(x, (1, 1, 1, 1), value=3.0), "zeros around are supported"),
        (lambda x: functional.pad(x, (1, 1, 1, 1)), "reads a zero-padded tensor"),
        (lambda x: torch.cat((x, x), dim=1), "reads a concatenation"),
        (lambda x: x.mean((2, 3)), "expected one result of shape"),
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


def test_a_network_that_export_cannot_trace() -> None:
    with pytest.raises(ConversionError, match=r"stem of OneLayer: torch.export .* failed"):
        float_graph(OneLayer(lambda x: x if float(x.sum()) > 0 else -x), MEAN, STD)


def test_values_that_are_not_finite_are_named() -> None:
    network = OneLayer(lambda x: x)
    with torch.no_grad():
        network.convolution.weight[1, 2] = float("nan")
    graph = float_graph(network, MEAN, STD)
    with pytest.raises(ConversionError, match=r"stem\.convolution: expected finite values"):
        Calibrator(graph, FloatExecutor(graph), "mse").observe(random_image(8, 8))
