"""The optimizer's state: rounded once, then exact however often it is saved."""

import torch

from itrt.nn import ItNet, ItNetSettings
from itrt.train import Recipe
from itrt.train.optimizer import compact_state, make_optimizer, round_moments


def trained() -> tuple[ItNet, torch.optim.Optimizer]:
    torch.manual_seed(0)
    network = ItNet(ItNetSettings(channels=(4, 4, 4), stem_channels=4, iterations=1))
    optimizer = make_optimizer(network, Recipe())
    for _ in range(3):
        optimizer.zero_grad()
        network(torch.randn(2, 3, 32, 32))[0].square().mean().backward()
        optimizer.step()
    return network, optimizer


def test_rounded_moments_survive_the_compact_state_exactly() -> None:
    network, optimizer = trained()
    round_moments(optimizer)
    other = make_optimizer(network, Recipe())
    other.load_state_dict(compact_state(optimizer))
    for parameter in network.parameters():
        for name, value in optimizer.state[parameter].items():
            assert other.state[parameter][name].dtype == value.dtype
            assert other.state[parameter][name].equal(value), name


def test_rounding_changes_little_and_the_state_takes_half() -> None:
    network, optimizer = trained()
    weight = network.classifier.weight
    before = optimizer.state[weight]["exp_avg_sq"].clone()
    round_moments(optimizer)
    torch.testing.assert_close(optimizer.state[weight]["exp_avg_sq"], before, rtol=2**-8, atol=0)
    assert not optimizer.state[weight]["exp_avg_sq"].equal(before)
    moments = [v for s in compact_state(optimizer)["state"].values() for v in s.values() if v.ndim > 0]
    assert {value.dtype for value in moments} == {torch.bfloat16}


def test_vectors_are_not_decayed() -> None:
    network, optimizer = trained()
    decay = {id(p): group["weight_decay"] for group in optimizer.param_groups for p in group["params"]}
    for name, parameter in network.named_parameters():
        assert decay[id(parameter)] == (Recipe().weight_decay if parameter.ndim > 1 else 0), name
