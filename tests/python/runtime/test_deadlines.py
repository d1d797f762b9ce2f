"""Model.run with a deadline. The clock is the test's own: what takes how long is written down."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import itrt
from itrt import _core
from itrt.errors import CancelledError, DeadlineExceeded, InvalidArgumentError
from itrt.sessions import Pace, Sessions


class World:
    """A clock, and what moves it: milliseconds of the stem, of each iteration in turn, of head and labels."""

    def __init__(self) -> None:
        self.now = 0.0
        self.stem, self.head, self.labels = 2.0, 1.0, 3.0
        self.iterations: Iterator[float] = iter(())

    def pass_by(self, milliseconds: float) -> None:
        self.now += milliseconds / 1000


class TimedSession:
    """A session of which everything takes what the world says; it ends as the compiled one when its time is over."""

    def __init__(self, core: _core.Session, world: World) -> None:
        self._core, self._world = core, world

    def _spend(self, milliseconds: float, seconds_left: float | None) -> None:
        if seconds_left is not None and milliseconds / 1000 > seconds_left:
            self._world.pass_by(max(seconds_left, 0) * 1000)
            raise CancelledError("ended")
        self._world.pass_by(milliseconds)

    def start(self, image: np.ndarray, cancel: Any, seconds: float | None) -> None:
        self._spend(self._world.stem, seconds)
        self._core.start(image, cancel)

    def iterate(self, cancel: Any, seconds: float | None) -> None:
        self._spend(next(self._world.iterations), seconds)
        self._core.iterate(cancel)

    def answer(self) -> np.ndarray:
        self._world.pass_by(self._world.head)
        return self._core.answer()

    @property
    def iterations_done(self) -> int:
        return self._core.iterations_done


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def timed(endless: itrt.Model, world: World, monkeypatch: pytest.MonkeyPatch) -> itrt.Model:
    """The endless model in that world."""

    def make(height: int, width: int) -> Any:
        return TimedSession(_core.Session(endless._program, height, width, 1), world)

    labels = endless.labels_from_logits

    def slow_labels(*arguments: Any) -> np.ndarray:
        world.pass_by(world.labels)
        return labels(*arguments)

    monkeypatch.setattr(endless, "_sessions", Sessions(make, 4))
    monkeypatch.setattr(endless, "_clock", lambda: world.now)
    monkeypatch.setattr(endless, "labels_from_logits", slow_labels)
    return endless


def run(model: itrt.Model, world: World, image: np.ndarray, deadline_ms: float, *costs: float, **arguments: Any) -> Any:
    """A run whose iterations take these milliseconds."""
    world.iterations = iter(costs)
    return model.run(image, 20, deadline_ms=deadline_ms, **arguments)


def test_as_many_iterations_as_fit(timed: itrt.Model, world: World, image: np.ndarray) -> None:
    first = run(timed, world, image, 100.1, *[10] * 20)  # 2 + 10, head and labels once to measure them: 16
    assert (first.iterations, first.stopped, first.elapsed_ms) == (9, "deadline", pytest.approx(2 + 9 * 10 + 2 * 4))
    second = run(timed, world, image, 100, *[10] * 20)  # the model knows what an answer takes
    assert (second.iterations, second.elapsed_ms) == (9, pytest.approx(2 + 9 * 10 + 4))
    tight = run(timed, world, image, 26.1, *[10] * 20)
    assert (tight.iterations, tight.elapsed_ms) == (2, pytest.approx(26))
    tighter = run(timed, world, image, 25.9, *[10] * 20)
    assert (tighter.iterations, tighter.elapsed_ms) == (1, pytest.approx(16))


def test_the_result_is_that_of_its_iterations_and_its_labels_are_there(
    timed: itrt.Model, world: World, image: np.ndarray, endless_file: bytes
) -> None:
    result = run(timed, world, image, 50, *[10] * 20)
    now = world.now
    labels = result.labels
    assert world.now == now
    expected = itrt.load(endless_file).run(image, result.iterations)
    np.testing.assert_array_equal(labels, expected.labels)
    np.testing.assert_array_equal(result.quantized_logits, expected.quantized_logits)


def test_a_generous_deadline_ends_at_the_limit_of_iterations(
    timed: itrt.Model, world: World, image: np.ndarray
) -> None:
    world.iterations = iter([10] * 20)
    result = timed.run(image, deadline_ms=10_000)
    assert (result.iterations, result.stopped) == (timed.iterations, "iterations")


def test_an_iteration_that_is_slower_than_expected_is_given_up_in_time(
    timed: itrt.Model, world: World, image: np.ndarray, endless_file: bytes
) -> None:
    run(timed, world, image, 100, *[10] * 20)
    result = run(timed, world, image, 60, 10, 10, 500)
    assert (result.iterations, result.stopped) == (2, "deadline")
    assert result.elapsed_ms == pytest.approx(60)  # given up when the answer just fits
    np.testing.assert_array_equal(result.labels, itrt.load(endless_file).run(image, 2).labels)


def test_no_iteration_in_time_is_an_error_at_the_deadline(timed: itrt.Model, world: World, image: np.ndarray) -> None:
    with pytest.raises(DeadlineExceeded, match=r"an iteration of an image of 45x62 .* within 11 ms, .* after 11\.0 ms"):
        run(timed, world, image, 11, 10)
    with pytest.raises(TimeoutError, match=r"within 1\.5 ms"):  # during the stem
        run(timed, world, image, 1.5, 10)
    assert run(timed, world, image, 1000, *[10] * 20).iterations == 20  # the session is as good as before


def test_one_iteration_in_time_is_an_answer(timed: itrt.Model, world: World, image: np.ndarray) -> None:
    """Even if the first answer of this size, which nobody could foresee, is late."""
    result = run(timed, world, image, 13, 10)
    assert (result.iterations, result.stopped, result.elapsed_ms) == (1, "deadline", pytest.approx(16))
    with pytest.raises(DeadlineExceeded):  # now it is foreseen: there would be no labels in time
        run(timed, world, image, 13, 10)


def test_every_size_has_its_pace(timed: itrt.Model, world: World, image: np.ndarray) -> None:
    run(timed, world, image, 100, *[10] * 20)
    other = np.ascontiguousarray(image[:20])
    first = run(timed, world, other, 100, *[40] * 20)
    assert (first.iterations, first.elapsed_ms) == (2, pytest.approx(2 + 80 + 2 * 4))  # measured anew
    again = run(timed, world, image, 100, *[10] * 20)
    assert again.iterations == 9


def test_time_of_a_rule_counts(timed: itrt.Model, world: World, image: np.ndarray) -> None:
    def slow(result: itrt.Result, previous: itrt.Result | None) -> bool:
        world.pass_by(20)
        return False

    result = run(timed, world, image, 100, *[10] * 20, stop=slow)
    assert result.stopped == "deadline"
    assert result.elapsed_ms <= 100
    assert result.iterations == 2  # 2 + 2 * (10 + 1 + 20) + 3 labels each: a third would take until 104


def test_a_rule_may_come_before_the_deadline(timed: itrt.Model, world: World, image: np.ndarray) -> None:
    result = run(timed, world, image, 1000, *[10] * 20, stop=lambda result, previous: result.iterations == 3)
    assert (result.iterations, result.stopped) == (3, "<lambda>")


def test_a_cancelled_token_is_not_a_missed_deadline(timed: itrt.Model, world: World, image: np.ndarray) -> None:
    token = itrt.CancelToken()
    token.cancel()
    with pytest.raises(CancelledError, match="cancelled"):
        run(timed, world, image, 1000, 10, cancel=token)


def test_slower_is_believed_at_once_and_faster_by_halves() -> None:
    pace = Pace()
    assert (pace.iteration, pace.answer) == (None, None)
    for seconds, expected in ((10, 10), (30, 30), (10, 20), (10, 15)):
        pace.saw_iteration(seconds)
        assert pace.iteration == expected


@pytest.mark.parametrize("deadline", [0, -1, float("nan"), float("inf"), -0.0])
def test_deadlines_that_are_none(endless: itrt.Model, image: np.ndarray, deadline: float) -> None:
    with pytest.raises(InvalidArgumentError, match=f"deadline_ms: expected more than 0, found {deadline}"):
        endless.run(image, deadline_ms=deadline)


@pytest.mark.parametrize("deadline", ["5", True, [5]])
def test_deadlines_that_are_no_numbers(endless: itrt.Model, image: np.ndarray, deadline: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="deadline_ms: expected a number, found"):
        endless.run(image, deadline_ms=deadline)


def test_the_compiled_session_ends_when_its_time_is_over(endless: itrt.Model, image: np.ndarray) -> None:
    session = _core.Session(endless._program, *image.shape[:2], 1)
    with pytest.raises(CancelledError):
        session.start(image, seconds=0)
    with pytest.raises(InvalidArgumentError, match="expected an image before the first iteration"):
        session.iterate()
    session.start(image, seconds=1e300)
    session.iterate(seconds=3600)
    before = session.answer()
    for seconds in (0, -1, 1e-12):
        with pytest.raises(CancelledError):
            session.iterate(seconds=seconds)
    assert session.iterations_done == 1
    np.testing.assert_array_equal(session.answer(), before)
    session.iterate(seconds=float("inf"))
    np.testing.assert_array_equal(session.answer(), endless.run(image, 2).quantized_logits)


def test_with_the_real_clock(endless: itrt.Model, image: np.ndarray) -> None:
    result = endless.run(image, 3, deadline_ms=3_600_000)
    assert (result.iterations, result.stopped) == (3, "iterations")
    assert 0 < result.elapsed_ms < 3_600_000
    with pytest.raises(DeadlineExceeded):
        endless.run(image, deadline_ms=1e-9)
