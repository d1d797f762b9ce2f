"""Capture and lowering: the float graph computes what the torch network computes, and has the structure we want."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from itrt.converter.convert import float_graph
from itrt.converter.float_executor import FloatExecutor
from itrt.converter.float_graph import FloatGraph
from itrt.converter.float_operators import FloatAdd, FloatConvolution
from itrt.errors import ConversionError
from itrt.nn import IterativeNetwork
from reference.networks import MEAN, STD, normalized, random_image, randomize_norms, small_itnet, tiny_network

SIZES = [(48, 64), (45, 61), (37, 90)]


def largest_difference(network: nn.Module, graph: FloatGraph, size: tuple[int, int]) -> float:
    """Largest difference of any iteration's logits, relative to the largest logit."""
    image = random_image(*size)
    with torch.no_grad():
        expected = network(normalized(image))
    expected = expected if isinstance(expected, list) else [expected]
    found = FloatExecutor(graph).run(image, len(expected))
    differences = [float((a - b).abs().max() / b.abs().max()) for a, b in zip(found, expected, strict=True)]
    return max(differences)


def convolution(graph: FloatGraph, name: str) -> FloatConvolution:
    operators = (*graph.stem, *graph.block, *graph.head)
    found = next(operator for operator in operators if operator.output == name)
    assert isinstance(found, FloatConvolution)
    return found


def test_itnet_with_batch_norm_per_iteration_keeps_one_set_of_weights() -> None:
    network = small_itnet()
    graph = float_graph(network, MEAN, STD)
    for size in SIZES:
        assert largest_difference(network, graph, size) < 1e-4
    assert (graph.iterations, graph.max_iterations, graph.steps) == (2, 2, 2)
    for operator in graph.block:
        if isinstance(operator, FloatConvolution):
            assert all(len(term.weight.values) == 1 for term in operator.terms)
            assert len(operator.gain.values) == len(operator.shift.values) == 2
    join = convolution(graph, "block.join")
    assert join.inputs == ("state", "stem.stem_quarter")
    assert join.clamp == (0.0, np.inf)
    assert [operator.output for operator in graph.head] == ["head.classifier"]


def test_itnet_with_shared_batch_norm_has_no_limit() -> None:
    network = small_itnet(batch_norm="shared")
    graph = float_graph(network, MEAN, STD)
    assert largest_difference(network, graph, (45, 61)) < 1e-4
    assert graph.max_iterations is None
    assert all(len(constant.values) == 1 for operator in graph.block for constant in operator.constants)


def test_unrolled_itnet_has_weights_for_each_step() -> None:
    network = small_itnet(share_weights=False)
    graph = float_graph(network, MEAN, STD)
    assert largest_difference(network, graph, (45, 61)) < 1e-4
    assert graph.max_iterations == 2
    assert all(len(term.weight.values) == 2 for term in convolution(graph, "block.join").terms)


def test_the_limit_on_iterations_is_what_differs_or_what_the_network_says() -> None:
    assert float_graph(tiny_network(3, norms=3), MEAN, STD).max_iterations == 3
    assert float_graph(tiny_network(3), MEAN, STD).max_iterations is None
    assert float_graph(tiny_network(1), MEAN, STD).max_iterations == 1  # one step cannot show it: the network says so


class Gallery(nn.Module):
    """One of each: grouped, asymmetric, dilated, "same", padded by zeros outside, batch norm and clamps alone."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, (3, 1), stride=(2, 1), padding=(1, 0))
        self.depthwise = nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False)
        self.grouped = nn.Conv2d(8, 12, (1, 5), padding="same", groups=2)
        self.alone = nn.BatchNorm2d(12)
        self.dilated = nn.Conv2d(12, 8, 3, padding=(2, 3), dilation=(2, 3))
        self.padded = nn.Sequential(nn.ZeroPad2d((1, 0, 2, 1)), nn.Conv2d(16, 8, (4, 2)), nn.Dropout(), nn.ReLU6())
        self.last = nn.Conv2d(11, 4, 3, stride=2)

    def forward(self, image: Tensor) -> Tensor:
        x = functional.hardtanh(self.first(image), -0.5, 0.7)
        y = self.alone(functional.relu(self.grouped(self.depthwise(x)))).clamp(min=-0.2)
        z = self.padded(torch.cat((x, self.dilated(y)), dim=1))
        up = functional.interpolate(torch.sub(z, x, alpha=0.5), size=image.shape[2:], mode="bilinear")
        return self.last(torch.cat((functional.relu(up), image), dim=1))


@pytest.fixture(scope="module")
def gallery() -> tuple[nn.Module, FloatGraph]:
    torch.manual_seed(3)
    network = Gallery().eval()
    randomize_norms(network)
    return network, float_graph(network, MEAN, STD)


@pytest.mark.parametrize("size", SIZES)
def test_a_plain_module_with_everything_in_it(gallery: tuple[nn.Module, FloatGraph], size: tuple[int, int]) -> None:
    assert largest_difference(*gallery, size) < 1e-4


def test_a_plain_module_is_a_stem(gallery: tuple[nn.Module, FloatGraph]) -> None:
    graph = gallery[1]
    assert (graph.state, graph.next_state, graph.block, graph.head) == (None, None, (), ())
    assert (graph.iterations, graph.max_iterations) == (1, 1)


def test_what_can_be_fused_is_fused(gallery: tuple[nn.Module, FloatGraph]) -> None:
    graph = gallery[1]
    names = [operator.output for operator in graph.stem]
    assert names == [
        "stem.first",
        "stem.depthwise",
        "stem.grouped",
        "stem.alone.batch_norm",
        "stem.dilated",
        "stem.padded",
        "stem.add",
        "stem.resize",
        "stem.clamp",
        "stem.last",
    ]
    assert convolution(graph, "stem.first").clamp == (-0.5, 0.7)
    assert convolution(graph, "stem.alone.batch_norm").clamp == (-0.2, np.inf)
    assert convolution(graph, "stem.padded").clamp == (0.0, 6.0)
    assert convolution(graph, "stem.padded").terms[0].padding == (2, 1, 1, 0)
    assert convolution(graph, "stem.last").inputs == ("stem.clamp", "image")


class Hoistable(IterativeNetwork):
    """A block with work that is the same in every iteration, and a stem without an operator."""

    def __init__(self) -> None:
        super().__init__(iterations=2)
        self.constant = nn.Conv2d(3, 4, 3, padding=1)
        self.also = nn.Conv2d(4, 3, 1)
        self.mix = nn.Conv2d(10, 3, 1)

    def stem(self, image: Tensor) -> Tensor:
        return image

    def block(self, state: Tensor, features: Tensor, step: int) -> Tensor:
        hidden = self.constant(features).relu()
        return self.mix(torch.cat((state, hidden, self.also(hidden)), dim=1)).relu()

    def head(self, state: Tensor) -> Tensor:
        return state


def test_loop_invariant_operators_move_to_the_stem_and_inputs_are_copied() -> None:
    torch.manual_seed(0)
    network = Hoistable()
    graph = float_graph(network, MEAN, STD)
    assert largest_difference(network, graph, (45, 61)) < 1e-4
    assert [operator.output for operator in graph.stem] == [
        "stem.normalized_image",
        "state",
        "block.constant",
        "block.also",
    ]
    assert [operator.output for operator in graph.block] == ["block.mix"]
    assert isinstance(graph.head[0], FloatAdd)


class InPlace(nn.Module):
    """Operators that change their input, a weight that is computed, and padding that is one number."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(inplace=True))
        self.weight = nn.Parameter(torch.randn(4, 4, 1, 1))

    def forward(self, image: Tensor) -> Tensor:
        x = self.first(image)
        standardized = (self.weight - self.weight.mean()) / self.weight.std()
        x += functional.conv2d(x, standardized)
        return x.clamp_(max=2.0)


def test_operators_in_place_and_computed_weights() -> None:
    torch.manual_seed(0)
    network = InPlace().train()
    randomize_norms(network)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    graph = float_graph(network, MEAN, STD)
    assert network.training
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert largest_difference(network.eval(), graph, (45, 61)) < 1e-4
    assert [operator.output for operator in graph.stem] == ["stem.first", "stem.convolution", "stem.add"]


class Mutations(nn.Module):
    """Operators in place whose input has other names: a view of it, it itself, what dropout passes on."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.dropped = nn.Sequential(nn.Conv2d(8, 8, 1), nn.Dropout(), nn.ReLU(inplace=True))

    def forward(self, image: Tensor) -> Tensor:
        x = self.first(image)
        half = x[:, :4]
        half.relu_()
        y = x.clamp(max=1.0)
        y.mul_(0.5)
        return self.dropped(y) + x + y


def test_values_that_change_under_other_names() -> None:
    torch.manual_seed(0)
    network = Mutations().eval()
    with pytest.raises(ConversionError, match=r"aten\.slice_scatter"):
        float_graph(network, MEAN, STD)
    plain = nn.Sequential(network.first, network.dropped).eval()
    assert largest_difference(plain, float_graph(plain, MEAN, STD), (45, 61)) < 1e-4
