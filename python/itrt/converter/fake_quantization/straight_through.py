"""The straight-through estimator (arXiv 1308.3432): one value, another's gradient."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor


class _StraightThrough(torch.autograd.Function):
    """Not surrogate + (exact - surrogate).detach(): that sum is rounded, and the value would not be exact."""

    @staticmethod
    def forward(ctx: Any, surrogate: Tensor, exact: Tensor) -> Tensor:
        return exact.to(surrogate.dtype, copy=True)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return gradients[0], None


def straight_through(surrogate: Tensor, exact: Tensor) -> Tensor:
    """Return ``exact`` in the surrogate's type; its gradient is passed to ``surrogate``, which has the same shape."""
    return cast(Tensor, _StraightThrough.apply(surrogate, exact))  # type: ignore[no-untyped-call]
