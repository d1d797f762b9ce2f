"""Streams that go on: later, after other runs, with other limits; and that give up their memory."""

import gc
import threading

import numpy as np
import pytest

import itrt
from itrt.errors import InvalidArgumentError
from itrt.stop import stable


@pytest.fixture
def answers(endless: itrt.Model, image: np.ndarray) -> list[np.ndarray]:
    return [endless.run(image, count).quantized_logits for count in range(1, 9)]


def expect_answers(results: list[itrt.Result], first: int, answers: list[np.ndarray]) -> None:
    assert [result.iterations for result in results] == list(range(first, first + len(results)))
    for result in results:
        np.testing.assert_array_equal(result.quantized_logits, answers[result.iterations - 1])


def test_a_stream_resumes_where_it_was(endless: itrt.Model, image: np.ndarray, answers: list[np.ndarray]) -> None:
    stream = endless.stream(image, 2)
    expect_answers(list(stream), 1, answers)
    assert (stream.iterations, stream.stopped) == (2, "iterations")
    assert list(stream) == []
    endless.run(255 - image, 7)  # the model is used meanwhile
    list(endless.stream(image[::-1], 3))
    expect_answers(list(stream.resume(3)), 3, answers)
    expect_answers([next(stream.resume())], 6, answers)
    assert next(stream, None) is None


def test_only_the_last_answer_says_why(endless: itrt.Model, image: np.ndarray) -> None:
    results = list(endless.stream(image, 3))
    assert [result.stopped for result in results] == [None, None, "iterations"]
    times = [result.elapsed_ms for result in results]
    assert 0 < times[0] <= times[1] <= times[2]


def test_a_stream_resumes_before_its_end(endless: itrt.Model, image: np.ndarray, answers: list[np.ndarray]) -> None:
    stream = endless.stream(image, 8)
    results = [next(stream)]
    expect_answers(results + list(stream.resume(2)), 1, answers)


def test_a_rule_ends_a_stream_and_resuming_replaces_it(
    endless: itrt.Model, image: np.ndarray, answers: list[np.ndarray]
) -> None:
    stream = endless.stream(image, 8, stop=lambda result, previous: result.iterations == 2)
    results = list(stream)
    assert [result.stopped for result in results] == [None, "<lambda>"]
    assert stream.stopped == "<lambda>"
    results += stream.resume(2)
    assert results[-1].stopped == "iterations"
    results += stream.resume(4, stop=lambda result, previous: previous is not None)
    expect_answers(results, 1, answers)
    assert len(results) == 6
    with pytest.raises(InvalidArgumentError, match="stop: expected"):
        stream.resume(1, stop=3)  # type: ignore[arg-type]


def test_a_stream_stops_where_a_run_does(endless: itrt.Model, image: np.ndarray) -> None:
    for share in (0.5, 0.9, 1.0):
        *_, last = endless.stream(image, 8, stop=stable(share))
        run = endless.run(image, 8, stop=stable(share))
        assert (last.iterations, last.stopped) == (run.iterations, run.stopped)


def test_a_cancelled_stream_resumes_with_another_token(
    endless: itrt.Model, image: np.ndarray, answers: list[np.ndarray]
) -> None:
    token = itrt.CancelToken()
    stream = endless.stream(image, 8, cancel=token)
    results = [next(stream), next(stream)]
    token.cancel()
    assert next(stream, None) is None
    assert stream.stopped == "cancelled"
    assert list(stream.resume(1, cancel=token)) == []
    expect_answers(results + list(stream.resume(2, cancel=itrt.CancelToken())), 1, answers)


def test_what_a_network_cannot_run(limited: itrt.Model, image: np.ndarray) -> None:
    stream = limited.stream(image)
    list(stream)
    for iterations, message in ((2, "1 to 1, found 2"), (0, "1 to 1, found 0"), (1.5, "an integer"), (True, "an int")):
        with pytest.raises(InvalidArgumentError, match=f"resume: expected {message}"):
            stream.resume(iterations)  # type: ignore[arg-type]
    assert [result.iterations for result in stream.resume()] == [3]
    with pytest.raises(InvalidArgumentError, match="resume: expected iterations to be left, found all 3 of"):
        stream.resume()


def test_a_closed_stream(endless: itrt.Model, image: np.ndarray, answers: list[np.ndarray]) -> None:
    with endless.stream(image, 8) as stream:
        result = next(stream)
    endless.run(255 - image, 3)
    expect_answers([result], 1, answers)  # valid, though its stream has gone
    assert list(stream) == []
    stream.close()
    with pytest.raises(InvalidArgumentError, match="stream: expected an open one, found it closed"):
        stream.resume()


@pytest.mark.parametrize("end", ["close", "collect", "finish"])
def test_a_stream_gives_its_session_up(limited: itrt.Model, image: np.ndarray, end: str) -> None:
    idle = limited._sessions._idle
    stream = limited.stream(image, 3)
    next(stream)
    assert len(idle) == 0
    if end == "close":
        stream.close()
    elif end == "finish":  # there is no fourth iteration to come back for
        assert len(list(stream)) == 2
    else:
        del stream
        gc.collect()
    assert len(idle) == 1


def test_a_stream_that_could_go_on_keeps_its_session(limited: itrt.Model, image: np.ndarray) -> None:
    stream = limited.stream(image, 2)
    list(stream)
    assert len(limited._sessions._idle) == 0
    assert len(list(stream.resume())) == 1


def test_two_threads_ask_one_stream(endless: itrt.Model, image: np.ndarray) -> None:
    stream = endless.stream(image, 200)
    found: list[int] = []

    def ask() -> None:
        found.extend(result.iterations for result in stream)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == list(range(1, 201))
