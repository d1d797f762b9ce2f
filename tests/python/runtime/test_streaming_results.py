"""Model.stream: an answer after every iteration, valid for as long as somebody holds it."""

import gc
import itertools
import random
import weakref
from collections.abc import Callable

import numpy as np
import pytest

import itrt
from itrt.errors import InvalidArgumentError
from itrt.result import Result

Answer = Callable[[], np.ndarray]


@pytest.fixture
def answers(endless: itrt.Model, image: np.ndarray) -> list[np.ndarray]:
    """What run() says after 1, 2, ... 6 iterations: all different."""
    logits = [endless.run(image, count).quantized_logits for count in range(1, 7)]
    assert all(not np.array_equal(a, b) for a, b in itertools.pairwise(logits))
    return logits


def test_answers_are_those_of_run(endless: itrt.Model, image: np.ndarray, answers: list[np.ndarray]) -> None:
    counts = []
    for result in endless.stream(image, 6):
        counts.append(result.iterations)
        np.testing.assert_array_equal(result.quantized_logits, answers[result.iterations - 1])
        assert result.labels.shape == image.shape[:2]
    assert counts == [1, 2, 3, 4, 5, 6]


def test_the_default_is_as_trained(endless: itrt.Model, image: np.ndarray) -> None:
    assert [result.iterations for result in endless.stream(image)] == [1, 2]


def test_results_stay_valid_and_may_be_read_in_any_order(
    endless: itrt.Model, image: np.ndarray, answers: list[np.ndarray]
) -> None:
    results = list(endless.stream(image, 6))
    endless.run(255 - image, 5)  # the session has another user meanwhile
    order = list(range(6))
    random.Random(3).shuffle(order)
    for index in order:
        np.testing.assert_array_equal(results[index].quantized_logits, answers[index])
        np.testing.assert_array_equal(results[index].labels, endless.run(image, index + 1).labels)


def test_results_stay_valid_after_break(endless: itrt.Model, image: np.ndarray, answers: list[np.ndarray]) -> None:
    held = None
    for result in endless.stream(image, 6):
        if result.iterations == 3:
            held = result
            break
    gc.collect()
    endless.run(255 - image, 5)
    assert held is not None
    np.testing.assert_array_equal(held.quantized_logits, answers[2])


def test_a_stream_that_is_held_open(endless: itrt.Model, image: np.ndarray, answers: list[np.ndarray]) -> None:
    stream = endless.stream(image, 6)
    first, second = next(stream), next(stream)
    endless.run(255 - image, 5)  # on a session of its own
    np.testing.assert_array_equal(second.quantized_logits, answers[1])
    np.testing.assert_array_equal(first.quantized_logits, answers[0])
    np.testing.assert_array_equal(next(stream).quantized_logits, answers[2])


def test_two_streams_at_once(endless: itrt.Model, image: np.ndarray, answers: list[np.ndarray]) -> None:
    for first, second in zip(endless.stream(image, 6), endless.stream(image[:, ::-1], 6), strict=True):
        np.testing.assert_array_equal(first.quantized_logits, answers[first.iterations - 1])
        expected = endless.run(image[:, ::-1], second.iterations).quantized_logits
        np.testing.assert_array_equal(second.quantized_logits, expected)


def test_streams_of_one_session_after_another(
    endless: itrt.Model, image: np.ndarray, answers: list[np.ndarray]
) -> None:
    """A stream that was left half way hands its session on; its last result keeps what it was."""
    held = [next(endless.stream(image if i % 2 == 0 else 255 - image, 6)) for i in range(6)]
    for result in held[::2]:
        np.testing.assert_array_equal(result.quantized_logits, answers[0])


def test_the_head_runs_only_for_answers_that_are_held_or_read(
    endless: itrt.Model, image: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed: list[int] = []

    class Counting(Result):
        def __init__(self, model: itrt.Model, height: int, width: int, iterations: int, answer: Answer):
            def counted() -> np.ndarray:
                computed.append(iterations)
                return answer()

            super().__init__(model, height, width, iterations, counted)

    monkeypatch.setattr("itrt.runtime.Result", Counting)
    stream = endless.stream(image, 6)
    for _ in range(2):
        next(stream)
    held = next(stream)
    assert computed == []
    read = next(stream)
    assert computed == [3]  # held while the stream moved on
    _ = read.labels, read.labels, read.logits(), read.colors(), held.labels
    assert computed == [3, 4]
    del read
    assert len(list(stream)) == 2
    assert computed[:2] == [3, 4]


def test_a_result_is_freed(endless: itrt.Model, image: np.ndarray) -> None:
    stream = endless.stream(image, 3)
    result = next(stream)
    gone = weakref.ref(result)
    next(stream)
    assert gone() is result  # held here
    del result
    gc.collect()
    assert gone() is None


def test_arguments_are_checked_at_once(endless: itrt.Model) -> None:
    """Not when the first answer is asked for."""
    with pytest.raises(InvalidArgumentError, match="image: expected"):
        endless.stream(None)
    with pytest.raises(InvalidArgumentError, match="iterations: expected"):
        endless.stream(np.zeros((8, 8, 3), np.uint8), 0)


def test_the_image_may_change_after_the_first_answer(
    endless: itrt.Model, image: np.ndarray, answers: list[np.ndarray]
) -> None:
    mine = image.copy()
    stream = endless.stream(mine, 3)
    next(stream)
    mine[:] = 0
    np.testing.assert_array_equal(next(stream).quantized_logits, answers[1])
