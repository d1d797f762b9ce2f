"""Transposed convolutions: a convolution over all phases, depth to space and a crop give what torch gives."""

from __future__ import annotations

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from itrt.converter.captured import CapturedNetwork, Node, Parameter, Section, Value
from itrt.converter.float_executor import FloatExecutor
from itrt.converter.float_graph import FloatGraph
from itrt.converter.lowering import lower
from itrt.format import Convolution, DepthToSpace, Pad
from reference.conversion import converted
from reference.networks import random_image

IMAGE = random_image(7, 10)


def graph_of(layer: nn.ConvTranspose2d) -> FloatGraph:
    """The float graph of one layer, without an export: it takes the captured section as torch.export would give it."""
    arguments = {
        "input": Value("image"),
        "weight": Parameter((layer.weight,)),
        "bias": Parameter((layer.bias,)) if layer.bias is not None else None,
        "stride": layer.stride,
        "padding": layer.padding,
        "output_padding": layer.output_padding,
        "groups": layer.groups,
        "dilation": layer.dilation,
    }
    node = Node("value0", "aten.conv_transpose2d.input", arguments, "layer")
    shapes = {"image": (3, "height", "width"), "value0": (layer.out_channels, "rows", "columns")}
    dimensions = {name: ("1", str(channels), height, width) for name, (channels, height, width) in shapes.items()}
    section = Section("stem", ("image",), (node,), "value0", shapes, dimensions)
    return lower(CapturedNetwork(section, None, None, 1, 1, 1), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


@st.composite
def layers(draw: st.DrawFn) -> nn.ConvTranspose2d:
    def pair(low: int, high: int) -> tuple[int, int]:
        return draw(st.integers(low, high)), draw(st.integers(low, high))

    kernel, stride, dilation, padding = pair(1, 5), pair(1, 4), pair(1, 3), pair(0, 4)
    extra = tuple(draw(st.integers(0, max(s, d) - 1)) for s, d in zip(stride, dilation, strict=True))
    groups = draw(st.sampled_from((1, 3)))
    layer = nn.ConvTranspose2d(
        3, 2 * groups, kernel, stride, padding, extra, groups, bias=draw(st.booleans()), dilation=dilation
    )
    return layer


@given(layers())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_transposed_convolution(layer: nn.ConvTranspose2d) -> None:
    pixels = torch.from_numpy(IMAGE).permute(2, 0, 1)[None].float()
    sizes = [
        (size - 1) * s - 2 * p + d * (k - 1) + e + 1
        for size, s, p, d, k, e in zip(
            (7, 10), layer.stride, layer.padding, layer.dilation, layer.kernel_size, layer.output_padding, strict=True
        )
    ]
    assume(min(sizes) > 0)
    with torch.no_grad():
        expected = layer(pixels)
    (found,) = FloatExecutor(graph_of(layer)).run(IMAGE, 1)
    assert found.shape == expected.shape
    assert torch.allclose(found, expected, atol=1e-3, rtol=1e-4)


class Decoder(nn.Module):
    """A transposed convolution with normalization and activation behind it."""

    def __init__(self, layer: nn.ConvTranspose2d) -> None:
        super().__init__()
        self.encode = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU())
        self.decode = nn.Sequential(layer, nn.BatchNorm2d(layer.out_channels), nn.ReLU6())

    def forward(self, image: Tensor) -> Tensor:
        return self.decode(self.encode(image))


@pytest.mark.parametrize(
    ("layer", "kernel", "kinds"),
    [
        (nn.ConvTranspose2d(8, 6, 2, 2), (1, 1), [Convolution, DepthToSpace]),
        (nn.ConvTranspose2d(8, 6, 3, 2, 1, 1), (2, 2), [Convolution, DepthToSpace]),
        (nn.ConvTranspose2d(8, 6, 4, 2, 1), (2, 2), [Convolution, DepthToSpace, Pad]),
        (nn.ConvTranspose2d(8, 6, 3, 1, 1), (3, 3), [Convolution]),
    ],
)
def test_normalization_and_activation_go_into_the_convolution(
    layer: nn.ConvTranspose2d, kernel: tuple[int, int], kinds: list[type]
) -> None:
    torch.manual_seed(0)
    layer.reset_parameters()
    network = Decoder(layer)
    for parameter in (network.decode[1].running_mean, network.decode[1].bias):
        nn.init.uniform_(parameter, -0.3, 0.3)  # type: ignore[arg-type]
    result = converted(network)
    assert [type(operator) for operator in result.program.stem[1:]] == kinds
    convolution = result.program.stem[1]
    assert isinstance(convolution, Convolution)
    assert convolution.terms[0].weight.at(0).shape[1:3] == kernel
    for image in result.images:
        assert result.graph_error(image) < 1e-4
        assert result.snr(image) > 28.0
        assert result.runtime_differences(image) == []
        assert result.fake_quantized_differences(image) == []
