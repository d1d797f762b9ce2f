"""Colours: neighbours differ, sections differ, texts are readable."""

from __future__ import annotations

from itertools import pairwise

import pytest

from itrt import planner
from itrt.planner import Workload
from itrt.planner.report import palette
from reference.programs import random_program


def channels(color: str) -> list[int]:
    assert len(color) == 7
    return [int(color[place : place + 2], 16) for place in (1, 3, 5)]


def luminance(color: str) -> float:
    """As WCAG 2.2 defines it."""
    linear = [(c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4) for c in channels(color)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("seed", range(6))
def test_layers_next_to_one_another_differ(seed: int) -> None:
    work: Workload = planner.load_workload(random_program(seed), 16, 16)
    colors = [palette.layer_color(work, index) for index in range(len(work.layers))]
    for one, other in pairwise(colors):
        assert sum(abs(a - b) for a, b in zip(channels(one), channels(other), strict=True)) > 30
    assert palette.IMAGE not in colors


@pytest.mark.parametrize("seed", range(6))
def test_texts_have_the_contrast_that_wcag_asks_for(seed: int) -> None:
    work: Workload = planner.load_workload(random_program(seed), 16, 16)
    for layer in [None, *range(len(work.layers))]:
        color = palette.layer_color(work, layer)
        one, other = sorted([luminance(color), luminance(palette.text_color(color))])
        assert (other + 0.05) / (one + 0.05) >= 4.5
