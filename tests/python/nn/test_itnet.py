"""ItNet: shapes, sharing, batch normalization per iteration, settings, export with dynamic sizes."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from itrt.errors import InvalidArgumentError
from itrt.nn import ItNet, ItNetSettings

SMALL = {"channels": (4, 6, 8), "stem_channels": 4, "classes": 5, "iterations": 3}


def small(**changes: Any) -> ItNet:
    torch.manual_seed(0)
    return ItNet(ItNetSettings(**{**SMALL, **changes})).eval()


def randomize_norms(network: ItNet) -> None:
    """Give each batch normalization its own statistics, as after training; fresh ones all do the same."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.5, 0.5)
            nn.init.uniform_(module.running_var, 0.5, 2.0)


BLOCKS = ["hourglass", "context", "detail"]


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("size", [(64, 96), (61, 81), (97, 33), (1, 1), (7, 130)])
def test_logits_are_at_a_quarter_rounded_up_for_any_size(size: tuple[int, int], block: str) -> None:
    height, width = size
    outputs = small(block=block)(torch.rand(2, 3, height, width))
    expected = (2, 5, (height + 3) // 4, (width + 3) // 4)
    assert [tuple(output.shape) for output in outputs] == [expected] * 3


def test_the_default_network_has_the_documented_number_of_parameters() -> None:
    assert sum(p.numel() for p in ItNet().parameters()) == 485_867


def test_iterations_share_one_set_of_convolutions() -> None:
    one, eight = small(iterations=1), small(iterations=8)

    def convolutions(network: ItNet) -> int:
        return sum(m.weight.numel() for m in network.modules() if isinstance(m, nn.Conv2d))

    assert convolutions(one) == convolutions(eight)
    outputs = eight(torch.rand(1, 3, 32, 32))
    eight.zero_grad()
    outputs[0].sum().backward()
    first = eight.blocks[0].join.convolution.weight.grad.clone()
    assert first.abs().sum() > 0  # the first iteration's gradient reaches the weights that all iterations use


def test_batch_norm_per_iteration_has_a_module_a_step_and_uses_it() -> None:
    network = small(dilations=(2, 4))
    norms = [m for m in network.blocks.modules() if isinstance(m, nn.BatchNorm2d)]
    assert len(norms) == 3 * 9  # nine convolutions in the block with two dilations
    shared = small(dilations=(2, 4), batch_norm="shared")
    assert len([m for m in shared.blocks.modules() if isinstance(m, nn.BatchNorm2d)]) == 9
    randomize_norms(network)
    features = network.stem(torch.rand(1, 3, 32, 32))
    states = [network.block(features, features, step) for step in range(3)]
    assert not torch.allclose(states[0], states[1])
    assert not torch.allclose(states[1], states[2])


def test_the_context_block_corrects_the_features() -> None:
    """Where the correction is nothing, the next state is the features, whatever the state was."""
    network = small(block="context")
    block = network.blocks[0]
    for norm in block.up_high.norms:
        nn.init.zeros_(norm.weight)
    features = network.stem(torch.rand(1, 3, 40, 56))
    torch.testing.assert_close(block(torch.rand_like(features), features, 0), features)
    nn.init.ones_(block.up_high.norms[0].weight)
    assert not torch.allclose(block(features, features, 0), features)


def test_the_context_block_looks_further_with_every_iteration() -> None:
    network = small(block="context", dilations=(1, 2))
    randomize_norms(network)
    image = torch.rand(1, 3, 16, 1024, requires_grad=True)
    reach = []
    for logits in network(image):
        (gradient,) = torch.autograd.grad(logits[0, :, 0, 128].sum(), image, retain_graph=True)
        reach.append(int(torch.count_nonzero(gradient.abs().sum(dim=(0, 1, 2)))))
    assert 100 < reach[0] < reach[1] < reach[2] < 1024


def test_detail_added_to_a_context_block_changes_nothing_at_first() -> None:
    network = small(block="context")
    randomize_norms(network)
    grown = network.with_detail()
    assert grown.settings == replace(network.settings, block="detail")
    image = torch.rand(1, 3, 33, 57)
    for before, after in zip(network(image), grown(image), strict=True):
        torch.testing.assert_close(after, before)
    nn.init.ones_(grown.blocks[0].refine_high.norms[2].weight)
    before, after = network(image), grown(image)
    torch.testing.assert_close(after[1], before[1])
    assert not torch.allclose(after[2], before[2])
    with pytest.raises(InvalidArgumentError, match=r"block: expected 'context', to add detail to, found 'detail'"):
        grown.with_detail()


def test_convolutions_that_end_the_stem_keep_its_size() -> None:
    network = small(stem_convolutions=2)
    assert network.stem(torch.rand(1, 3, 33, 57)).shape == small().stem(torch.rand(1, 3, 33, 57)).shape
    assert sum(p.numel() for p in network.stem_refine.parameters()) == 2 * (4 * 4 * 9 + 2 * 4)


def test_training_moves_the_statistics_of_the_executed_steps_only() -> None:
    network = small().train()
    network(torch.rand(2, 3, 32, 32), iterations=2)
    moved = [bool(norm.running_mean.any()) for norm in network.blocks[0].join.norms]
    assert moved == [True, True, False]


def test_separate_weights_hold_a_block_an_iteration() -> None:
    network = small(share_weights=False)
    assert len(network.blocks) == 3
    assert len([m for m in network.blocks.modules() if isinstance(m, nn.BatchNorm2d)]) == 3 * 8
    features = network.stem(torch.rand(1, 3, 32, 32))
    assert not torch.allclose(network.block(features, features, 0), network.block(features, features, 1))


@pytest.mark.parametrize("changes", [{}, {"share_weights": False}, {"share_weights": False, "batch_norm": "shared"}])
def test_more_iterations_than_trained_need_shared_weights_and_batch_norm(changes: dict[str, Any]) -> None:
    image = torch.rand(1, 3, 16, 16)
    assert len(small(batch_norm="shared")(image, iterations=9)) == 9
    assert len(small(**changes)(image, iterations=2)) == 2
    with pytest.raises(InvalidArgumentError, match=r"expected 1 to 3, found 4"):
        small(**changes)(image, iterations=4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": 0}, "classes: .* found 0"),
        ({"channels": (8, 8)}, "channels: expected 3 numbers"),
        ({"channels": (8, 8, -1)}, "channels: .* found -1"),
        ({"channels": (8, 8, 1.5)}, "channels: .* found 1.5"),
        ({"stem_channels": 0}, "stem_channels"),
        ({"stem_convolutions": -1}, "stem_convolutions: .* found -1"),
        ({"block": "dense"}, "block: expected 'hourglass', 'context', 'detail', found 'dense'"),
        ({"iterations": 0}, "iterations: .* found 0"),
        ({"iterations": True}, "iterations: .* found True"),
        ({"dilations": (2, 0)}, "dilations: .* found 0"),
        ({"batch_norm": "none"}, "batch_norm: expected 'per_iteration' or 'shared', found 'none'"),
    ],
)
def test_settings_that_make_no_network_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        ItNetSettings(**changes)


def test_settings_from_lists_equal_settings_from_tuples() -> None:
    assert ItNetSettings(channels=[64, 96, 128], dilations=[2]) == ItNetSettings()  # type: ignore[arg-type]


class _Stem(nn.Module):
    def __init__(self, network: ItNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        return self.network.stem(image)


class _Block(_Stem):
    step = 1

    def forward(self, state: Tensor, features: Tensor) -> Tensor:  # type: ignore[override]
        return self.network.block(state, features, self.step)


class _Head(_Stem):
    def forward(self, state: Tensor) -> Tensor:
        return self.network.head(state)


@pytest.mark.parametrize(("share_weights", "block"), [(True, "hourglass"), (False, "context")])
def test_export_with_dynamic_sizes_runs_odd_images(share_weights: bool, block: str) -> None:
    network = small(share_weights=share_weights, block=block)
    randomize_norms(network)
    auto = {2: torch.export.Dim.AUTO, 3: torch.export.Dim.AUTO}
    image = torch.rand(1, 3, 64, 96)
    features = network.stem(image).detach()
    stem = torch.export.export(_Stem(network), (image,), dynamic_shapes=(auto,)).module()
    block = torch.export.export(_Block(network), (features, features), dynamic_shapes=(auto, auto)).module()
    head = torch.export.export(_Head(network), (features,), dynamic_shapes=(auto,)).module()
    for size in [(361, 481), (97, 1023), (64, 96)]:
        image = torch.rand(1, 3, *size)
        expected = network.head(network.block(network.stem(image), network.stem(image), 1))
        features = stem(image)
        torch.testing.assert_close(head(block(features, features)), expected)
