"""IterativeNetwork: what a user's own network gets from the base class."""

import pytest
import torch
from torch import Tensor, nn

from itrt.errors import InvalidArgumentError
from itrt.nn import IterativeNetwork


class Doubling(IterativeNetwork):
    """state -> 2 * state + features + step: an answer that can be computed by hand."""

    def stem(self, image: Tensor) -> Tensor:
        return image + 1

    def block(self, state: Tensor, features: Tensor, step: int) -> Tensor:
        return 2 * state + features + step

    def head(self, state: Tensor) -> Tensor:
        return -state


def test_forward_returns_the_logits_of_every_iteration() -> None:
    outputs = Doubling(iterations=3)(torch.zeros(1, 3, 2, 2))
    assert [float(output[0, 0, 0, 0]) for output in outputs] == [-3.0, -8.0, -19.0]


def test_iterations_argument_overrides_the_default_within_the_limit() -> None:
    image = torch.zeros(1, 3, 2, 2)
    assert len(Doubling(iterations=3)(image, iterations=7)) == 7
    limited = Doubling(iterations=2, max_iterations=4)
    assert len(limited(image)) == 2
    assert len(limited(image, iterations=4)) == 4
    with pytest.raises(InvalidArgumentError, match=r"expected 1 to 4, found 5"):
        limited(image, iterations=5)
    with pytest.raises(InvalidArgumentError, match=r"expected at least 1, found 0"):
        limited(image, iterations=0)


def test_impossible_numbers_of_iterations_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match=r"iterations: expected at least 1, found 0"):
        Doubling(iterations=0)
    with pytest.raises(InvalidArgumentError, match=r"max_iterations: expected at least iterations = 3, found 2"):
        Doubling(iterations=3, max_iterations=2)


def test_parts_may_be_submodules_instead_of_methods() -> None:
    class Parts(Doubling):
        stem = IterativeNetwork.stem
        head = IterativeNetwork.head

        def __init__(self) -> None:
            super().__init__(iterations=1)
            self.stem = nn.Conv2d(3, 4, 1)  # type: ignore[method-assign]
            self.head = nn.Conv2d(4, 2, 1)  # type: ignore[method-assign]

    network = Parts()
    assert network(torch.zeros(1, 3, 5, 6))[0].shape == (1, 2, 5, 6)
    assert len(list(network.parameters())) == 4


def test_a_missing_part_is_named() -> None:
    class Headless(Doubling):
        head = IterativeNetwork.head

    with pytest.raises(NotImplementedError, match=r"Headless must define head\(\)"):
        Headless(iterations=1)(torch.zeros(1, 3, 2, 2))
