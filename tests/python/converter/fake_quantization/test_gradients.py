"""Gradients: those of the float network, as if nothing were rounded; none where a value is clipped."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from itrt.converter import FakeQuantizedNetwork
from itrt.converter.fake_quantization import execution, kernels, network, resampling
from itrt.converter.fake_quantization.straight_through import straight_through
from itrt.converter.float_executor import FloatExecutor
from itrt.converter.float_graph import FloatGraph, FloatTensor
from itrt.converter.float_operators import FloatConstant, FloatConvolution, FloatTerm
from reference.networks import normalized, random_image

IMAGE = random_image(32, 40, seed=1)


def test_the_value_is_one_and_the_gradient_the_others() -> None:
    surrogate = torch.tensor([0.1, 1e20, -3.0], dtype=torch.float64, requires_grad=True)
    result = straight_through(surrogate, torch.tensor([1, 2, 3]))
    assert result.tolist() == [1.0, 2.0, 3.0]
    (result * torch.tensor([4.0, 5.0, 6.0])).sum().backward()
    assert surrogate.grad is not None
    assert surrogate.grad.tolist() == [4.0, 5.0, 6.0]


@pytest.fixture(params=["hourglass", "gates, shuffles, tables of every iteration"])
def prepared(
    request: pytest.FixtureRequest, prepared_once: Callable[[str], FakeQuantizedNetwork]
) -> FakeQuantizedNetwork:
    """Coarse enough that nothing is clipped."""
    made = prepared_once(request.param)
    with torch.no_grad():
        made.scales.log2_ratio.fill_(0.25)
    return made


def test_without_roundings_it_is_the_float_network(
    prepared: FakeQuantizedNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What gradients are taken of has the float network's values, so its derivatives are the float network's."""
    for module in (execution, kernels, network, resampling):
        monkeypatch.setattr(module, "straight_through", lambda surrogate, exact: surrogate)
    with torch.no_grad():
        found = prepared(normalized(IMAGE).double())
    expected = FloatExecutor(prepared.float_graph()).run(IMAGE, 2)
    for values, exact in zip(found, expected, strict=True):
        # Nothing is rounded but the mean, to a level of 255, and the weights of resampling, to 7 bits.
        assert float((values - exact).abs().max()) < 0.01 * float(exact.abs().max())


def test_gradients_are_slopes_of_the_float_network(prepared: FakeQuantizedNetwork) -> None:
    """Along its gradient, the loss of the float network changes as the gradient says, to int8's noise."""
    weights = [
        torch.randn(values.shape, generator=torch.Generator().manual_seed(1))
        for values in prepared(normalized(IMAGE).double())
    ]
    loss = sum(
        (values * weight).mean() for values, weight in zip(prepared(normalized(IMAGE).double()), weights, strict=True)
    )
    parameters = dict(prepared.constants.named_parameters())
    gradients = dict(zip(parameters, torch.autograd.grad(loss, list(parameters.values())), strict=True))

    def float_loss() -> float:
        logits = FloatExecutor(prepared.float_graph()).run(IMAGE, 2)
        return float(sum((values.double() * weight).mean() for values, weight in zip(logits, weights, strict=True)))

    ratios = []
    for name, parameter in parameters.items():
        norm = float(gradients[name].norm())
        step = gradients[name] * (0.01 * float(parameter.detach().norm() + 0.1) / max(norm, 1e-30))
        with torch.no_grad():
            parameter.add_(step)
            above = float_loss()
            parameter.sub_(2 * step)
            below = float_loss()
            parameter.add_(step)
        expected = 2 * norm * float(step.norm())
        if norm > 1e-4:
            ratios.append((above - below) / expected)
    assert len(ratios) > len(parameters) / 2
    assert np.median(np.abs(np.array(ratios) - 1.0)) < 0.05
    assert all(0.6 < ratio < 1.4 for ratio in ratios), ratios


def one_convolution(weight: float, upper: float) -> FakeQuantizedNetwork:
    """A 1x1 convolution that adds the three normalized channels, times a weight; values up to ``upper`` are stored."""
    kernel = FloatConstant((np.full((1, 1, 1, 3), weight),))
    term = FloatTerm("image", kernel)
    convolution = FloatConvolution("sum", (term,), FloatConstant((np.ones(1),)), FloatConstant((np.zeros(1),)))
    tensors = {name: FloatTensor(name, channels) for name, channels in (("image", 3), ("sum", 1))}
    graph = FloatGraph(tensors, "image", None, None, "sum", (convolution,), (), (), (0.0,) * 3, (0.5,) * 3, 1, 1, 1)
    return FakeQuantizedNetwork(graph, {"sum": (0.0, upper)})


def test_a_scale_learns_from_what_is_rounded_and_what_is_clipped() -> None:
    """Learned step sizes (arXiv 1902.08153): a stored value times the scale, less the real one; clipped, 255 times."""
    upper = 4.0
    prepared = one_convolution(1.0, upper)
    image = torch.tensor([0.31, 0.72, 1.13, 2.0]).double()[None, None, None].expand(1, 3, 1, 4)
    pixels = (image * 0.5 * 255).round() / (0.5 * 255)
    scale = float(np.float32(upper / 255))
    # The weights are one number, so s8 holds them exactly, and the sum is three times a pixel, 255 at most.
    real = 3 * pixels[0, 0, 0].clamp(max=2.0)
    stored = (real / scale).round().clamp(max=255)
    assert stored[-1] == 255
    (values,) = prepared(image)
    torch.testing.assert_close(values[0, 0, 0].detach(), stored * scale, rtol=1e-12, atol=0)
    values.sum().backward()
    rounding = torch.where(stored < 255, stored * scale - real, stored * scale)
    expected = float(rounding.sum()) * math.log(2)
    assert float(prepared.scales.log2_ratio.grad) == pytest.approx(expected, rel=1e-3)  # type: ignore[arg-type]


def test_what_is_clipped_moves_no_weight() -> None:
    prepared = one_convolution(1.0, upper=0.5)
    image = torch.ones(1, 3, 2, 2).double()
    (values,) = prepared(image)
    values.sum().backward()
    assert all(float(parameter.grad.abs().max()) == 0.0 for parameter in prepared.constants.parameters())  # type: ignore[union-attr]
    assert float(prepared.scales.log2_ratio.grad) > 0.0  # type: ignore[arg-type]
    negative = one_convolution(-1.0, upper=0.5)
    negative(image)[0].sum().backward()
    assert all(float(parameter.grad.abs().max()) == 0.0 for parameter in negative.constants.parameters())  # type: ignore[union-attr]
