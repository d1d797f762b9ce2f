"""Turns: who is called when, and what becomes of a contender that fails."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from itrt.bench.interleave import time_in_turns
from itrt.bench.runners.itrt_runner import OtherAnswers


def test_contenders_take_turns(opener, trace: Path) -> None:
    turns = time_in_turns({"a": opener("a", 1), "b": opener("b", 2), "c": opener("c", 3)}, 3, calls=2, pause=0)
    names = trace.read_text().split()
    # First every process warms up, in any order; then each turn has a call that is not timed and two that are.
    assert sorted(names[:9]) == 3 * ["a"] + 3 * ["b"] + 3 * ["c"]
    assert names[9:] == 3 * (3 * ["a"] + 3 * ["b"] + 3 * ["c"])
    assert not turns.failures
    for name, labels in (("a", 1), ("b", 2), ("c", 3)):
        timing = turns.timings[name]
        assert timing.seconds.shape == (3 * 2,)
        assert 0 < timing.minimum <= timing.median
        np.testing.assert_array_equal(timing.labels, np.full((2, 3), labels))


def test_what_other_answers_cost_is_a_difference_of_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, called = [0.0], []

    def call(name: str, seconds: list[float]) -> Callable[[], NDArray[np.uint8]]:
        def answer() -> NDArray[np.uint8]:
            called.append(name)
            clock[0] += seconds.pop(0)
            return np.zeros((1, 1), np.uint8)

        return answer

    monkeypatch.setattr("time.perf_counter", lambda: clock[0])
    measured = OtherAnswers(call("last", [5.0, 50.0]), call("all", [7.0, 55.0])).seconds(2)
    assert measured == [2.0, 5.0]  # the machine became ten times slower in between
    assert called == ["all", "last", "all", "last"]


def test_turns_are_reported(opener) -> None:
    seen: list[int] = []
    time_in_turns({"a": opener("a", 1)}, 2, calls=1, pause=0, progress=seen.append)
    assert seen == [1, 2]


def test_a_contender_that_fails_is_named_and_the_others_go_on(opener, broken_opener, trace: Path) -> None:
    turns = time_in_turns({"broken": broken_opener, "a": opener("a", 1)}, 2, calls=1, pause=0)
    assert turns.failures == {"broken": "LookupError: no such model"}
    assert turns.timings.keys() == {"a"}
    assert trace.read_text().split() == (3 + 2 * 2) * ["a"]


def _open_and_die() -> None:
    os._exit(3)


def test_a_process_that_dies_is_named() -> None:
    assert time_in_turns({"dead": _open_and_die}, 1, calls=1, pause=0).failures == {"dead": "the process died"}
