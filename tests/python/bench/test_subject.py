"""Networks that nobody trained, made so that their labels mean something."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from itrt.bench.subject import fit_classifier, made_network


def small_network(*last: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 16, 3, stride=2, padding=1), nn.ReLU(), *last).eval()


def stripes() -> tuple[torch.Tensor, torch.Tensor]:
    """An image of three colours side by side, and their numbers."""
    labels = (torch.arange(24) // 8).expand(16, 24)
    return nn.functional.one_hot(labels, 3).movedim(2, 0)[None].float(), labels


def test_a_fitted_classifier_knows_what_it_was_fitted_to() -> None:
    network = small_network(nn.Conv2d(16, 3, 1), nn.UpsamplingNearest2d(scale_factor=2))
    image, labels = stripes()
    assert fit_classifier(network, [(image, labels)])
    with torch.no_grad():
        answer = network(image)[0].argmax(dim=0)
    assert float((answer == labels).float().mean()) > 0.9
    assert not any(module._forward_hooks for module in network.modules())


@pytest.mark.parametrize(
    "last",
    [
        nn.Conv2d(16, 3, 3, padding=1),
        nn.Conv2d(16, 3, 1, bias=False),
        nn.Sequential(nn.Conv2d(16, 8, 1), nn.ConvTranspose2d(8, 3, 1)),
    ],
)
def test_another_last_convolution_stays_as_it_is(last: nn.Module) -> None:
    network = small_network(last)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    assert not fit_classifier(network, [stripes()])
    torch.testing.assert_close(dict(network.state_dict()), before)


def test_labels_of_a_made_network_are_of_several_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "made.py").write_text(
        "from torch import nn\n"
        "def network():\n"
        "    return nn.Sequential(nn.Conv2d(3, 16, 3, stride=2), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 5, 1))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    subject = made_network("made:network", (48, 64), images=2)
    shares = np.bincount(subject.float_labels((48, 64), 1).reshape(-1), minlength=5) / (48 * 64)
    assert (shares > 0.05).sum() > 1
