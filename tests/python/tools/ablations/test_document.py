"""The report: numbers, ranges, what the seeds decide, what is missing; what others wrote in the document stays."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from ablations.comparison import Comparison
from ablations.document import BEGIN, END, replace_section, section
from ablations.results import Request, Result, read_results, write_result
from ablations.variants import BASE, Ablation, Budget, Variant
from itrt.errors import InvalidArgumentError

BUDGET = Budget(epochs=2, crop=(32, 48), channels=(8, 8, 8))
DATA = {"title": "Toy", "left_out": ["B"], "train_images": 9, "measured_images": 4, "height": 30, "width": 40}
GRAPH = {"parameters": 12345, "graph_bytes": 2048, "macs": 3_000_000}
OTHER = Variant("other", {"batch_norm": "shared"})
ABLATION = Ablation("toy", "Which?", {"the usual": BASE, "the other": OTHER})


def result(variant: Variant, seed: int, *mean_iou: float, budget: Budget = BUDGET) -> Result:
    request = Request(
        variant.name, seed, budget, DATA, budget.settings(3, variant.network), budget.recipe(seed, variant.recipe)
    )
    return Result(request, GRAPH, mean_iou, 10.0 + seed, {"torch": "2.0", "threads": 1})


def text_of(results: Sequence[Result], seeds: Sequence[int] = (0, 1, 2)) -> str:
    return section([Comparison(ABLATION, seeds, results)], Path("r"), Path("p"), Path())


def test_mean_lowest_and_highest_of_the_seeds() -> None:
    results = [result(BASE, seed, 0.10 * seed, 0.30) for seed in (0, 1, 2)]
    text = text_of([*results, result(OTHER, 1, 0.25, 0.5), result(BASE, 7, 0.99, 0.99)])
    row = "| the usual | 8, 8, 8 | 12,345 | 2.0 KiB | 3.00 M | 3 | 10.0 (0.0 to 20.0) | 30.0 (30.0 to 30.0) |"
    assert row in text
    assert "| the other | 8, 8, 8 | 12,345 | 2.0 KiB | 3.00 M | 1 | 25.0 | 50.0 |" in text
    assert "Missing, since not run yet: the other (seed 0, 2)." in text
    assert "10 to 12 s of CPU time, 11 on average (4 runs; torch 2.0; float32)" in text
    assert "After the last iteration" not in text  # a variant that is not complete decides nothing
    assert "![Which?](p/ablation-toy.png)" in text


def test_what_the_seeds_decide() -> None:
    base = [result(BASE, seed, 0.5, 0.30 + 0.01 * seed) for seed in (0, 1, 2)]
    better = text_of([*base, *(result(OTHER, seed, 0.1, 0.40 + 0.01 * seed) for seed in (0, 1, 2))])
    assert "- the other: +10.0 points beside the usual; every seed is above every seed of it (by chance" in better
    assert "by chance alone: 10 %" in better  # 2 of the 20 ways to choose three of six
    worse = text_of([*base, *(result(OTHER, seed, 0.1, 0.20 + 0.01 * seed) for seed in (0, 1, 2))])
    assert "-10.0 points beside the usual; every seed is below" in worse
    alike = text_of([*base, *(result(OTHER, seed, 0.1, 0.32 + 0.01 * seed) for seed in (0, 1, 2))])
    assert "+2.0 points beside the usual; the seeds overlap, so these runs do not decide it." in alike


def test_nothing_was_run() -> None:
    text = text_of([])
    assert "Missing, since not run yet: the usual (seed 0, 1, 2); the other (seed 0, 1, 2)." in text
    assert "|" not in text
    assert "![" not in text


def test_what_others_wrote_stays(tmp_path: Path) -> None:
    document = tmp_path / "results.md"
    replace_section(document, text_of([]))
    assert document.read_text().startswith("# Results\n\n" + BEGIN)
    document.write_text(f"# Mine\n\nbefore\n\n{document.read_text().removeprefix('# Results').strip()}\n\nbehind\n")
    replace_section(document, text_of([result(BASE, 0, 0.5)]))
    text = document.read_text()
    assert text.startswith("# Mine\n\nbefore\n\n" + BEGIN)
    assert text.endswith(END + "\n\nbehind\n")
    assert text.count(BEGIN) == 1
    assert "50.0" in text
    replace_section(document, text_of([result(BASE, 0, 0.5)]))
    assert document.read_text() == text
    document.write_text(text.replace(END, ""))
    with pytest.raises(InvalidArgumentError, match=r"results\.md: expected one line .* found 1 and 0"):
        replace_section(document, text_of([]))


def test_results_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    write_result(tmp_path / "base-0.json", result(BASE, 0, 0.5))
    write_result(tmp_path / "base-1.json", result(BASE, 1, 0.25))
    found = read_results(tmp_path)
    assert [each.mean_iou for each in found] == [(0.5,), (0.25,)]
    assert found[1] == result(BASE, 1, 0.25)
    write_result(tmp_path / "base-2.json", result(BASE, 2, 0.5, budget=Budget(epochs=9)))
    with pytest.raises(InvalidArgumentError, match=r"base-2\.json: expected a run with the budget and data of base-0"):
        read_results(tmp_path)
    other = result(Variant("base", {"iterations": 2}), 1, 0.5)
    with pytest.raises(InvalidArgumentError, match="base-1: expected a run that differs from base-0 in its seed"):
        Comparison(ABLATION, (0, 1), [result(BASE, 0, 0.5), other])
