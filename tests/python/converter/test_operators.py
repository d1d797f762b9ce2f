"""Every ATen operator that converts: the float graph does what torch does, int8 is close, the runtime is the oracle."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from itrt import load
from itrt.converter import convert
from itrt.converter.float_operators import FloatLookup
from itrt.format import AdaptivePool, Convolution, DepthToSpace, Gather, Lookup, Multiply, Pad, Pool, Program, Resize
from reference.conversion import converted
from reference.executor import execute
from reference.loops import GatedLoop, shuffle
from reference.networks import MEAN, STD, random_image

Function = Callable[[Tensor], Tensor]


class Between(nn.Module):
    """What is tested, between two convolutions."""

    def __init__(self, middle: Function | nn.Module, channels: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, stride=stride, padding=1)
        self.middle = middle
        self.last = nn.Conv2d(channels, 4, 1)

    def forward(self, image: Tensor) -> Tensor:
        return self.last(self.middle(self.first(image)))


PARAMETER = torch.linspace(-1.0, 2.0, 8).view(1, 8, 1, 1)
KERNEL = torch.linspace(-0.5, 0.7, 4 * 12 * 9).view(4, 12, 3, 3)

OPERATORS: dict[str, tuple[Function | nn.Module, int, type]] = {
    "max_pool": (nn.MaxPool2d(3, 2, 1), 8, Pool),
    "max_pool, ceil": (nn.MaxPool2d((3, 2), (2, 3), ceil_mode=True), 8, Pool),
    "max_pool, dilated": (nn.MaxPool2d(3, 1, 1, dilation=2), 8, Pool),
    "max_pool with indices": (lambda x: F.max_pool2d(x, 2, return_indices=True)[0], 8, Pool),
    "avg_pool": (nn.AvgPool2d(2), 8, Pool),
    "avg_pool, padded": (nn.AvgPool2d(3, 2, 1), 8, Pool),
    "avg_pool, ceil, padding not counted": (
        nn.AvgPool2d((3, 4), (2, 3), (1, 2), ceil_mode=True, count_include_pad=False),
        8,
        Pool,
    ),
    "adaptive": (nn.AdaptiveAvgPool2d((3, 5)), 8, AdaptivePool),
    "mean": (lambda x: x.mean((-1, 2), keepdim=True), 8, AdaptivePool),
    "sigmoid": (nn.Sigmoid(), 8, Lookup),
    "tanh": (nn.Tanh(), 8, Lookup),
    "silu": (nn.SiLU(inplace=True), 8, Lookup),
    "gelu": (nn.GELU(), 8, Lookup),
    "gelu, tanh": (nn.GELU(approximate="tanh"), 8, Lookup),
    "elu": (nn.ELU(alpha=0.7), 8, Lookup),
    "mish": (nn.Mish(), 8, Lookup),
    "leaky_relu": (nn.LeakyReLU(0.2, inplace=True), 8, Lookup),
    "prelu": (nn.PReLU(8), 8, Lookup),
    "prelu of one weight": (nn.PReLU(init=0.3), 8, Lookup),
    "hardswish": (nn.Hardswish(inplace=True), 8, Lookup),
    "hardsigmoid": (nn.Hardsigmoid(), 8, Lookup),
    "multiply": (lambda x: x * x.flip(0).sigmoid() if x.ndim == 3 else x * F.avg_pool2d(x, 3, 1, 1), 8, Multiply),
    "gate of one pixel": (lambda x: torch.sigmoid(x.mean((2, 3), keepdim=True)) * x, 8, Multiply),
    "gate of one channel": (lambda x: x * x[:, 2:3].sigmoid(), 8, Multiply),
    "product, clamped": (lambda x: (x * F.max_pool2d(x, 3, 1, 1)).relu(), 8, Multiply),
    "swish by hand": (lambda x: x * (F.relu6(x + 3.0) / 6.0), 8, Lookup),
    "add a number to what others read": (lambda x: (x + 1.5) * F.max_pool2d(x, 3, 1, 1), 8, Lookup),
    "scale by channel": (lambda x: PARAMETER * x.relu(), 8, Convolution),
    "shift by channel": (lambda x: x.relu() - PARAMETER, 8, Convolution),
    "one minus, divided": (lambda x: (1.0 - x.sigmoid()) / 0.25, 8, Lookup),
    "negation": (lambda x: -x.sigmoid() + x, 8, Lookup),
    "add one pixel": (lambda x: x + x.mean((2, 3), keepdim=True), 8, Resize),
    "bilinear, twice": (nn.Upsample(scale_factor=2, mode="bilinear"), 8, Resize),
    "bilinear, corners": (nn.UpsamplingBilinear2d(scale_factor=2), 8, Resize),
    "bilinear, a constant size": (lambda x: F.interpolate(x, size=(9, 13), mode="bilinear"), 8, Resize),
    "bilinear, a computed size": (
        lambda x: F.interpolate(x, size=(3 * x.shape[2], 2 * x.shape[3]), mode="bilinear", align_corners=True),
        8,
        Resize,
    ),
    "nearest": (nn.Upsample(scale_factor=2), 8, Resize),
    "nearest, a constant size": (lambda x: F.interpolate(x, size=(9, 33)), 8, Resize),
    "cat, then a pool": (lambda x: F.max_pool2d(torch.cat((x.sigmoid(), x), 1), 2), 16, Pool),
    "cat, then a grouped convolution": (
        lambda x: F.conv2d(torch.cat((x, x.sigmoid(), x.tanh()), 1), KERNEL, groups=2),
        4,
        Gather,
    ),
    "cat with itself": (lambda x: torch.cat((x, x), 1).sigmoid(), 16, Lookup),
    "slice of channels": (lambda x: x[:, 2:6].sigmoid(), 4, Gather),
    "every second channel": (lambda x: x[:, ::2], 4, Gather),
    "chunk": (lambda x: torch.cat((x.chunk(2, 1)[1].relu(), x.chunk(2, 1)[0]), 1), 8, Gather),
    "split": (lambda x: sum(part.relu() for part in x.split([2, 4, 2], 1)[::2]), 2, Gather),
    "shuffle": (shuffle, 8, Gather),
    "in place on a slice": (lambda x: torch.cat((x, x.sigmoid()), 1)[:, 2:14].relu_().add_(1.0), 12, Gather),
    "a channel": (lambda x: x * x.select(1, 3).unsqueeze(1), 8, Multiply),
    "narrow": (lambda x: x.narrow(1, 1, 3), 3, Gather),
    "crop": (lambda x: x[:, :, 2:-1, :-3], 8, Pad),
    "every second pixel": (lambda x: torch.cat((x[..., ::2, ::2], x[..., 1::2, 1::2]), 1), 16, Pool),
    "zeros around": (lambda x: F.pad(x, (1, 2, 3, 0)).sigmoid(), 8, Pad),
    "crop by negative padding": (nn.ZeroPad2d((-1, 2, 1, -2)), 8, Pad),
    "zeros around a crop": (lambda x: F.pad(x[:, :, 1:-1, 1:-1], (1, 1, 1, 1)), 8, Pad),
    "reflect": (nn.ReflectionPad2d((2, 1, 3, 0)), 8, Pad),
    "replicate": (nn.ReplicationPad2d(2), 8, Pad),
    "a convolution that reflects": (nn.Conv2d(8, 8, 3, padding=1, padding_mode="reflect"), 8, Pad),
    "pixel shuffle": (nn.PixelShuffle(2), 2, DepthToSpace),
    "pixel shuffle of what others read": (lambda x: F.pixel_shuffle(x, 2) + F.pixel_shuffle(x.relu(), 2), 2, Gather),
    "dropout": (nn.Sequential(nn.Dropout2d(), nn.Dropout(inplace=True)), 8, Convolution),
}


def operators_of(program: Program, kind: type) -> list[object]:
    return [operator for operator in program.stem if isinstance(operator, kind)]


@pytest.mark.parametrize("name", OPERATORS)
def test_operator(name: str) -> None:
    middle, channels, kind = OPERATORS[name]
    torch.manual_seed(0)
    if isinstance(middle, nn.PReLU) and middle.num_parameters > 1:
        nn.init.uniform_(middle.weight, -0.5, 0.5)
    sizes = ((16, 16),) if "every second pixel" in name else ((40, 56), (37, 51))
    result = converted(Between(middle, channels, 1 if "pixel" in name else 2), sizes)
    for image in result.images:
        assert result.graph_error(image) < 1e-4
        assert result.snr(image) > 28.0
        assert result.runtime_differences(image) == []
        assert result.fake_quantized_differences(image) == []
    assert operators_of(result.program, kind)


def test_functions_behind_each_other_are_one_table() -> None:
    result = converted(Between(lambda x: ((x.sigmoid() + 1.0) * 0.5).clamp(max=0.9).tanh(), 8, 2))
    assert [type(operator) for operator in result.program.stem] == [Convolution, Lookup, Convolution]
    assert result.graph_error(result.images[0]) < 1e-4
    assert result.snr(result.images[0]) > 28.0


def test_what_leads_to_a_hardswish_is_clamped_where_that_is_constant() -> None:
    result = converted(Between(nn.Hardswish(), 8, 2))
    first = result.graph.stem[0]
    assert first.clamp == (-3.0, math.inf)


def test_a_product_of_a_value_and_its_gate_reads_the_value_once() -> None:
    result = converted(Between(lambda x: torch.sigmoid(1.7 * x) * x, 8, 2))
    (table,) = operators_of(result.program, Lookup)
    assert isinstance(result.graph.stem[1], FloatLookup)
    assert table is result.program.stem[1]


def test_the_last_resampling_to_the_images_size_is_left_to_the_labels() -> None:
    class Segmenter(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Conv2d(3, 5, 3, stride=4)

        def forward(self, image: Tensor) -> dict[str, Tensor]:
            return {"out": F.interpolate(self.first(image), size=image.shape[-2:], mode="bilinear")}

    result = converted(Segmenter())
    assert [type(operator) for operator in result.program.stem] == [Convolution]


def test_operators_in_a_loop(tmp_path: Path) -> None:
    torch.manual_seed(0)
    image = random_image(40, 56)
    conversion = convert(
        GatedLoop(),
        tmp_path / "loop.itrt",
        calibration=[image],
        mean=MEAN,
        std=STD,
        classes=list("abcd"),
        parity_images=1,
    )
    program = conversion.program
    assert {type(operator) for operator in program.block} == {Convolution, Lookup, AdaptivePool, Multiply, Gather}
    assert any(isinstance(operator, Pool) for operator in program.stem)  # the context is the same in every iteration
    slopes = next(operator for operator in program.block if isinstance(operator, Lookup))
    assert [value.shape for value in slopes.table.values] == [(8, 256), (8, 256)]
    assert conversion.parity is not None
    assert all(row.snr_db > 25.0 for row in conversion.parity.tensors)
    expected = execute(program, image, 2).tensors
    found = load(conversion.path).taps(image, iterations=2)
    assert all(np.array_equal(found[key], value) for key, value in expected.items())
