"""Model.video: one result a frame, in order, from the stem's state or from the last frame's."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import itrt
from itrt import _core
from itrt.errors import DeadlineExceeded, InvalidArgumentError, MissingFileError
from itrt.format import to_bytes
from itrt.train import synthetic_video
from reference.executor import execute
from reference.operators import mix_states
from reference.programs import Choices, random_image, random_program
from reference.small_program import small_program


@pytest.fixture(scope="module")
def frames() -> list[np.ndarray]:
    return [image for image, _ in synthetic_video(5, 45, 62)]


def test_a_cold_video_is_a_run_a_frame(limited: itrt.Model, frames: list[np.ndarray]) -> None:
    for arguments in ({}, {"iterations": 3}):
        results = list(limited.video(frames, **arguments))
        assert len(results) == len(frames)
        for result, frame in zip(results, frames, strict=True):
            expected = limited.run(frame, **arguments)
            assert result.iterations == expected.iterations
            np.testing.assert_array_equal(result.quantized_logits, expected.quantized_logits)


@pytest.mark.parametrize(("share", "first_step"), [(1, 0), (1, 2), (0.25, 0), (0.25, 1), (0.7, 1), (1e-9, 0)])
@pytest.mark.parametrize("iterations", [1, 3])
def test_a_warm_video_equals_the_oracle(
    limited: itrt.Model, frames: list[np.ndarray], share: float, first_step: int, iterations: int
) -> None:
    """The oracle begins with a mixture of the stem's state and its last one; steps end with the last one there is."""
    results = limited.video(frames, iterations, warm=True, share=share, first_step=first_step)
    weight = max(round(256 * share), 1)
    state = None
    for frame, result in zip(frames, results, strict=True):
        steps, mixed = list(range(iterations)), None
        if state is not None:
            mixed = mix_states(execute(small_program(), frame, 0).state, state, weight)
            steps = [min(first_step + i, 2) for i in range(iterations)]
        execution = execute(small_program(), frame, iterations, steps=steps, state=mixed)
        np.testing.assert_array_equal(result.quantized_logits, execution.logits[-1])
        state = execution.state


def test_a_warm_start_is_at_the_second_step_by_default(limited: itrt.Model, frames: list[np.ndarray]) -> None:
    found, expected = (
        [result.quantized_logits for result in limited.video(frames, 1, warm=True, **arguments)]
        for arguments in ({}, {"share": 0.5, "first_step": 1})
    )
    np.testing.assert_array_equal(found, expected)


def test_a_network_of_one_step_starts_there(frames: list[np.ndarray]) -> None:
    model = itrt.load(to_bytes(replace(small_program(1), iterations=1)))
    found, expected = (
        [result.quantized_logits for result in model.video(frames, warm=True, **arguments)]
        for arguments in ({}, {"first_step": 0})
    )
    np.testing.assert_array_equal(found, expected)


def test_frames_are_taken_when_their_answer_is_asked_for(limited: itrt.Model, frames: list[np.ndarray]) -> None:
    taken = []

    def camera() -> Iterator[np.ndarray]:
        for number, frame in enumerate(frames):
            taken.append(number)
            yield frame

    video = limited.video(camera(), warm=True)
    assert taken == []
    next(video)
    assert taken == [0]
    assert video.frame == 1


def test_other_runs_may_come_in_between(limited: itrt.Model, frames: list[np.ndarray]) -> None:
    expected = [result.quantized_logits for result in limited.video(frames, warm=True)]
    for number, result in enumerate(limited.video(frames, warm=True)):
        limited.run(255 - frames[0], 3)
        np.testing.assert_array_equal(result.quantized_logits, expected[number])


def test_a_frame_of_another_size_is_named_and_nothing_is_lost(limited: itrt.Model, frames: list[np.ndarray]) -> None:
    changed = [*frames[:2], random_image(0, 30, 40), *frames[2:]]
    expected = [result.quantized_logits for result in limited.video(frames, warm=True)]
    video = limited.video(changed, warm=True)
    results = [next(video), next(video)]
    with pytest.raises(InvalidArgumentError, match=r"frame 3: expected 45x62 .* as before, found 30x40"):
        next(video)
    results += list(video)  # the caller may go on: from the last state that there was
    assert len(results) == len(frames)
    for result, logits in zip(results, expected, strict=True):
        np.testing.assert_array_equal(result.quantized_logits, logits)


def test_a_frame_that_is_none_is_named(limited: itrt.Model, frames: list[np.ndarray]) -> None:
    video = limited.video([frames[0], np.zeros((5, 5), np.uint8)])
    next(video)
    with pytest.raises(
        InvalidArgumentError, match=r"frame 2: image: expected shape \(height, width, 3\), found \(5, 5\)"
    ):
        next(video)
    with pytest.raises(MissingFileError, match="expected a file at"):
        next(limited.video(["none.png"]))


def test_an_array_of_frames(limited: itrt.Model, frames: list[np.ndarray]) -> None:
    assert len(list(limited.video(np.stack(frames)))) == len(frames)
    assert list(limited.video([])) == []


@pytest.mark.parametrize("frames", ["street.mp4", b"bytes", 7, None])
def test_what_is_no_video(limited: itrt.Model, frames: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="video: frames: expected .*images, found"):
        limited.video(frames)


@pytest.mark.parametrize(("first_step", "message"), [(-1, "0 to 2"), (3, "0 to 2"), (True, "an integer"), ("1", "an")])
def test_wrong_first_steps(limited: itrt.Model, first_step: Any, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=f"first_step: expected {message}"):
        limited.video([], warm=True, first_step=first_step)


def test_steps_that_are_all_alike(endless: itrt.Model, frames: list[np.ndarray]) -> None:
    first, other = (list(endless.video(frames, warm=True, first_step=step)) for step in (0, 1000))
    for a, b in zip(first, other, strict=True):
        np.testing.assert_array_equal(a.quantized_logits, b.quantized_logits)


@pytest.mark.parametrize("share", [0, -0.5, 1.01, float("nan"), "half", True, None])
def test_wrong_shares(limited: itrt.Model, share: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="share: expected"):
        limited.video([], warm=True, share=share)


def test_a_share_is_not_given_as_warm(limited: itrt.Model) -> None:
    with pytest.raises(InvalidArgumentError, match="warm: expected True or False, with the share in share, found 0.5"):
        limited.video([], warm=0.5)  # type: ignore[arg-type]


def test_a_network_without_a_loop_has_no_warm_start(frames: list[np.ndarray]) -> None:
    model = itrt.load(to_bytes(random_program(2, Choices(loop=False))))
    with pytest.raises(InvalidArgumentError, match="warm: expected a network with a loop"):
        model.video(frames, warm=True)
    assert len(list(model.video(frames))) == len(frames)


def test_a_missed_deadline_is_that_of_its_frame(
    endless: itrt.Model, frames: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock jumps by an hour while the second frame is started."""
    late = [0.0, 3600.0, 0.0]
    now = 0.0

    class Late:
        def __init__(self, core: _core.Session) -> None:
            self._core = core

        def start(self, image: np.ndarray, cancel: Any, seconds: float) -> None:
            nonlocal now
            delay = late.pop(0) if late else 0.0
            now += delay
            self._core.start(image, cancel, seconds - delay)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._core, name)

    make = endless._sessions._make
    monkeypatch.setattr(endless._sessions, "_make", lambda height, width: Late(make(height, width)))
    monkeypatch.setattr(endless, "_clock", lambda: now)
    video = endless.video(frames, deadline_ms=1_000_000)
    assert next(video).stopped == "iterations"
    with pytest.raises(DeadlineExceeded):
        next(video)
    assert video.frame == 2
    assert len(list(video)) == len(frames) - 2


def test_cancelling_ends_a_video(endless: itrt.Model, frames: list[np.ndarray]) -> None:
    token = itrt.CancelToken()
    results = []
    for result in endless.video(frames, cancel=token):
        results.append(result)
        if len(results) == 2:
            token.cancel()
    assert [result.stopped for result in results] == ["iterations", "iterations"]
