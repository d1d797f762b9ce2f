"""The runs that answer one question, by variant; what is missing; what the seeds allow to be said."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from statistics import mean

from ablations.results import Result
from ablations.variants import BASE, Ablation, Variant
from itrt.errors import InvalidArgumentError


@dataclass(frozen=True)
class Row:
    """A variant by what the comparison calls it, and its finished runs."""

    title: str
    variant: Variant
    results: tuple[Result, ...]

    def after(self, iteration: int) -> list[float]:
        """Each run's mean IoU after an iteration, counted from 0; -1: the last."""
        return [result.mean_iou[iteration] for result in self.results]

    @property
    def iterations(self) -> int:
        """How many the variant has; 0 if it was not run."""
        return len(self.results[0].mean_iou) if self.results else 0


class Comparison:
    """An ablation's rows.

    Parameters
    ----------
    ablation
        The question.
    seeds
        Those that are expected of every variant; runs of others do not count.
    results
        Of any runs; those of this ablation are picked.
    """

    def __init__(self, ablation: Ablation, seeds: Sequence[int], results: Sequence[Result]) -> None:
        found = {(result.request.variant, result.request.seed): result for result in results}
        self.ablation = ablation
        self.seeds = tuple(dict.fromkeys(seeds))
        self.rows = tuple(
            Row(title, variant, tuple(found[key] for seed in self.seeds if (key := (variant.name, seed)) in found))
            for title, variant in ablation.variants.items()
        )
        for row in self.rows:
            self._check_alike(row)

    @property
    def results(self) -> tuple[Result, ...]:
        """Of all rows."""
        return tuple(result for row in self.rows for result in row.results)

    def missing(self) -> list[str]:
        """The runs that have not been made, in words."""
        texts = []
        for row in self.rows:
            made = {result.request.seed for result in row.results}
            seeds = [str(seed) for seed in self.seeds if seed not in made]
            if seeds:
                texts.append(f"{row.title} (seed {', '.join(seeds)})")
        return texts

    def verdicts(self) -> list[str]:
        """What each variant is worth beside the base after its last iteration; nothing where a run is missing."""
        base = next(row for row in self.rows if row.variant is BASE)
        complete = [row for row in self.rows if len(row.results) == len(self.seeds)]
        if base not in complete:
            return []
        return [self._verdict(row, base) for row in complete if row is not base]

    def _verdict(self, row: Row, base: Row) -> str:
        mine, others = row.after(-1), base.after(-1)
        points = 100 * (mean(mine) - mean(others))
        text = f"{row.title}: {points:+.1f} points beside {base.title}"
        if max(mine) < min(others) or min(mine) > max(others):
            side = "below" if points < 0 else "above"
            return f"{text}; every seed is {side} every seed of it ({self._chance(len(mine), len(others))})."
        return f"{text}; the seeds overlap, so these runs do not decide it."

    def _chance(self, mine: int, others: int) -> str:
        # Of all orders of the runs, two have one variant's on one side: the smallest p-value of the rank-sum test.
        return f"by chance alone: {200 / comb(mine + others, mine):.0f} %"

    def _check_alike(self, row: Row) -> None:
        for result in row.results[1:]:
            first, other = row.results[0].request, result.request
            if first.network != other.network or first.recipe.differences(other.recipe).keys() - {"seed"}:
                raise InvalidArgumentError(
                    f"{other.name}: expected a run that differs from {first.name} in its seed alone, found "
                    f"{other.network} and {other.recipe}"
                )
