"""Rules that end a run early: ``model.run(image, stop=itrt.stop.stable(0.995))``.

A rule is any callable of a result and the one before it (None after the first iteration) that says whether to stop; it
is asked after every iteration. A rule that never holds does no harm: the run ends at its limit of iterations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from itrt.arguments import check_positive
from itrt.errors import InvalidArgumentError
from itrt.result import Result

Rule = Callable[[Result, Result | None], bool]


def stable(share: float) -> Rule:
    """Stop once an iteration leaves at least this share of the labels as they were.

    Labels are compared at the head's own resolution, where they cost little (`Result.coarse_labels`). The rule cannot
    hold before the second iteration.

    Parameters
    ----------
    share
        More than 0, at most 1.
    """
    return _Stable(check_positive("share", share, 1))


def entropy(nats: float) -> Rule:
    """Stop once the network is sure: the mean entropy of its class probabilities is at most this.

    The probabilities are the softmax of `Result.logits`, p = exp(logit) / sum of exp(logits); a pixel's entropy is
    -sum of p * ln(p), the mean is over the pixels of the head's own resolution.

    Parameters
    ----------
    nats
        More than 0; ln(number of classes) is the entropy of a guess.
    """
    return _Entropy(check_positive("nats", nats))


def any_of(*rules: Rule) -> Rule:
    """Stop once one of the rules holds; `Result.stopped` is then their names: "stable or entropy"."""
    return _AnyOf(_checked("any_of", rules))


def all_of(*rules: Rule) -> Rule:
    """Stop once all of the rules hold after the same iteration."""
    return _AllOf(_checked("all_of", rules))


@dataclass(frozen=True)
class _Stable:
    share: float
    name = "stable"

    def __call__(self, result: Result, previous: Result | None) -> bool:
        return previous is not None and bool(np.mean(result.coarse_labels == previous.coarse_labels) >= self.share)


@dataclass(frozen=True)
class _Entropy:
    nats: float
    name = "entropy"

    def __call__(self, result: Result, previous: Result | None) -> bool:
        return mean_entropy(result) <= self.nats


@dataclass(frozen=True)
class _AnyOf:
    rules: tuple[Rule, ...]

    @property
    def name(self) -> str:
        return " or ".join(name_of(rule) for rule in self.rules)

    def __call__(self, result: Result, previous: Result | None) -> bool:
        return any(rule(result, previous) for rule in self.rules)


@dataclass(frozen=True)
class _AllOf:
    rules: tuple[Rule, ...]

    @property
    def name(self) -> str:
        return " and ".join(name_of(rule) for rule in self.rules)

    def __call__(self, result: Result, previous: Result | None) -> bool:
        return all(rule(result, previous) for rule in self.rules)


def mean_entropy(result: Result) -> float:
    """The mean entropy of a result's class probabilities in nats, 0 to ln(classes); the formula is in `entropy`."""
    shifted = result.logits()
    shifted -= shifted.max(axis=0)
    weights = np.exp(shifted)
    total = weights.sum(axis=0)
    # -sum of p * ln(p) with p = weight / total and ln(weight) = shifted.
    return float(np.mean(np.log(total) - (weights * shifted).sum(axis=0) / total))


def name_of(rule: Rule) -> str:
    """What `Result.stopped` calls a rule: its name, or its class's."""
    return getattr(rule, "name", None) or getattr(rule, "__name__", None) or type(rule).__name__


def _checked(name: str, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    if not rules:
        raise InvalidArgumentError(f"{name}: expected at least one rule, found none")
    for rule in rules:
        if not callable(rule):
            raise InvalidArgumentError(f"{name}: expected rules (itrt.stop), found {rule!r}")
    return rules
