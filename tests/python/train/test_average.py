"""The moving average of the weights."""

import pytest
import torch

from itrt.nn import ItNet, ItNetSettings
from itrt.train.average import WeightAverage


def network() -> ItNet:
    return ItNet(ItNetSettings(channels=(4, 4, 4), stem_channels=4, iterations=1))


def test_the_average_follows_its_formula() -> None:
    trained = network()
    weight = trained.classifier.weight
    average = WeightAverage(trained, decay=0.5)
    expected = weight.detach().clone()
    for step in range(1, 20):
        with torch.no_grad():
            weight.add_(step)
        average.update(trained)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * weight.detach()
    torch.testing.assert_close(average.network.classifier.weight, expected)
    assert average.steps == 19


def test_batch_statistics_are_averaged_too() -> None:
    trained = network().train()
    average = WeightAverage(trained, decay=0.9)
    for _ in range(3):
        trained(torch.randn(2, 3, 32, 32) + 5)
        average.update(trained)
    means = [net.stem_half.norms[0].running_mean for net in (trained, average.network)]
    assert means[1].abs().sum() > 0
    assert not torch.equal(means[0], means[1])


def test_the_average_is_a_copy_that_is_never_trained() -> None:
    trained = network().train()
    average = WeightAverage(trained, decay=0.9)
    assert not average.network.training
    assert not any(parameter.requires_grad for parameter in average.network.parameters())
    before = average.network.classifier.weight.clone()
    with torch.no_grad():
        trained.classifier.weight.add_(1)
    assert torch.equal(average.network.classifier.weight, before)


@pytest.mark.parametrize("decay", [0.9, 0.999])
def test_equal_weights_stay_equal(decay: float) -> None:
    trained = network()
    average = WeightAverage(trained, decay)
    for _ in range(50):
        average.update(trained)
    torch.testing.assert_close(average.network.state_dict(), trained.state_dict(), rtol=0, atol=0)
