"""Rules, tokens and Ctrl-C: what ends a run early, and that nothing of what was done is lost."""

import os
import signal
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import itrt
from itrt import _core
from itrt.errors import CancelledError, Interrupted, InvalidArgumentError
from itrt.sessions import Sessions
from itrt.stop import all_of, any_of, entropy, mean_entropy, stable

Rule = Callable[[itrt.Result, itrt.Result | None], bool]


def coarse(model: itrt.Model, image: np.ndarray, iterations: int) -> np.ndarray:
    return model.run(image, iterations).logits().argmax(axis=0)


# --- rules ---


@pytest.mark.parametrize("share", [0.5, 0.9, 0.99, 1.0])
def test_stable_stops_where_few_labels_change(endless: itrt.Model, image: np.ndarray, share: float) -> None:
    result = endless.run(image, 30, stop=stable(share))
    shares = [np.mean(coarse(endless, image, k) == coarse(endless, image, k - 1)) for k in range(2, 31)]
    held = [k for k, found in enumerate(shares, start=2) if found >= share]
    assert result.iterations == (held[0] if held else 30)
    assert result.stopped == ("stable" if held else "iterations")
    np.testing.assert_array_equal(result.labels, endless.run(image, result.iterations).labels)


def test_entropy_is_that_of_the_softmax(endless: itrt.Model, image: np.ndarray) -> None:
    result = endless.run(image, 2)
    logits = result.logits().astype(np.float64)
    p = np.exp(logits) / np.exp(logits).sum(axis=0)
    expected = float(-(p * np.log(p)).sum(axis=0).mean())
    assert mean_entropy(result) == pytest.approx(expected, rel=1e-4)
    assert 0 < expected < np.log(11)


def test_entropy_stops_where_the_network_is_sure(endless: itrt.Model, image: np.ndarray) -> None:
    values = [mean_entropy(endless.run(image, k)) for k in range(1, 6)]
    wanted = int(np.argmin(values)) + 1
    result = endless.run(image, 5, stop=entropy(min(values) * 1.000001))
    assert (result.iterations, result.stopped) == (wanted, "entropy")
    assert endless.run(image, 5, stop=entropy(min(values) * 0.99)).stopped == "iterations"


def test_a_rule_of_ones_own(endless: itrt.Model, image: np.ndarray) -> None:
    asked = []

    def enough(result: itrt.Result, previous: itrt.Result | None) -> bool:
        asked.append((result.iterations, None if previous is None else previous.iterations))
        np.testing.assert_array_equal(result.labels, endless.run(image, result.iterations).labels)
        if previous is not None:  # valid, though the state has moved on
            expected = endless.run(image, previous.iterations).quantized_logits
            np.testing.assert_array_equal(previous.quantized_logits, expected)
        return result.iterations == 4

    result = endless.run(image, 9, stop=enough)
    assert (result.iterations, result.stopped) == (4, "enough")
    assert asked == [(1, None), (2, 1), (3, 2), (4, 3)]


def never(result: itrt.Result, previous: itrt.Result | None) -> bool:
    return False


def third(result: itrt.Result, previous: itrt.Result | None) -> bool:
    return result.iterations == 3


def second_or_later(result: itrt.Result, previous: itrt.Result | None) -> bool:
    return previous is not None


@pytest.mark.parametrize(
    ("rule", "iterations", "stopped"),
    [
        (never, 5, "iterations"),
        (any_of(never, third), 3, "never or third"),
        (any_of(third, second_or_later), 2, "third or second_or_later"),
        (all_of(third, second_or_later), 3, "third and second_or_later"),
        (all_of(third, never), 5, "iterations"),
        (any_of(all_of(never, third), second_or_later), 2, "never and third or second_or_later"),
    ],
)
def test_rules_put_together(endless: itrt.Model, image: np.ndarray, rule: Rule, iterations: int, stopped: str) -> None:
    result = endless.run(image, 5, stop=rule)
    assert (result.iterations, result.stopped) == (iterations, stopped)


def test_a_rule_that_never_holds_ends_at_the_limit(limited: itrt.Model, image: np.ndarray) -> None:
    assert limited.run(image, stop=never).iterations == limited.iterations
    assert limited.run(image, 3, stop=never).iterations == 3
    assert [result.iterations for result in limited.stream(image, 3, stop=never)] == [1, 2, 3]


@pytest.mark.parametrize("error", [ZeroDivisionError, CancelledError])
def test_an_error_of_a_rule_is_the_callers(endless: itrt.Model, image: np.ndarray, error: type[Exception]) -> None:
    def broken(result: itrt.Result, previous: itrt.Result | None) -> bool:
        raise error

    with pytest.raises(error):
        endless.run(image, stop=broken)
    with pytest.raises(error):
        next(endless.stream(image, stop=broken))
    assert endless.run(image).iterations == 2


@pytest.mark.parametrize("share", [0, -0.5, 1.5, float("nan"), "high", True, None])
def test_wrong_shares(share: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="share: expected"):
        stable(share)


@pytest.mark.parametrize("nats", [0, -1, float("nan"), float("inf"), "low", None])
def test_wrong_entropies(nats: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="nats: expected"):
        entropy(nats)


def test_what_is_no_rule(endless: itrt.Model, image: np.ndarray) -> None:
    for stop in (0.99, "stable", [stable(1)]):
        for call in (endless.run, endless.stream, endless.video):
            with pytest.raises(InvalidArgumentError, match=r"stop: expected a rule \(itrt.stop\)"):
                call(image, stop=stop)  # type: ignore[operator]
    with pytest.raises(InvalidArgumentError, match="any_of: expected at least one rule"):
        any_of()
    with pytest.raises(InvalidArgumentError, match="all_of: expected rules"):
        all_of(stable(1), 3)  # type: ignore[arg-type]


def test_coarse_labels_are_the_logits_best_classes(endless: itrt.Model, image: np.ndarray) -> None:
    result = endless.run(image)
    assert result.coarse_labels.shape == result.logits().shape[1:]
    np.testing.assert_array_equal(result.coarse_labels, result.logits().argmax(axis=0))


# --- tokens ---


def cancelling(token: itrt.CancelToken, after: int) -> Rule:
    """A rule that never holds and cancels the token from another thread."""

    def rule(result: itrt.Result, previous: itrt.Result | None) -> bool:
        if result.iterations == after:
            thread = threading.Thread(target=token.cancel)
            thread.start()
            thread.join()
        return False

    return rule


@pytest.mark.parametrize("after", [1, 3])
def test_a_cancelled_run_gives_what_is_done(endless: itrt.Model, image: np.ndarray, after: int) -> None:
    token = itrt.CancelToken()
    result = endless.run(image, 9, stop=cancelling(token, after), cancel=token)
    assert (result.iterations, result.stopped) == (after, "cancelled")
    np.testing.assert_array_equal(result.labels, endless.run(image, after).labels)


def test_a_token_that_was_cancelled_before(endless: itrt.Model, image: np.ndarray) -> None:
    token = itrt.CancelToken()
    assert not token.cancelled
    assert endless.run(image, cancel=token).stopped == "iterations"
    token.cancel()
    assert token.cancelled
    with pytest.raises(CancelledError, match="run: expected time for an iteration, found it cancelled"):
        endless.run(image, cancel=token)
    assert list(endless.stream(image, cancel=token)) == []
    assert list(endless.video([image], cancel=token)) == []
    assert list(endless.map([image], cancel=token)) == []
    assert endless.run(image).iterations == 2


def test_another_thread_ends_a_run_that_would_take_hours(endless: itrt.Model, image: np.ndarray) -> None:
    token, begun = itrt.CancelToken(), threading.Event()
    found: list[itrt.Result] = []

    def third(result: itrt.Result, previous: itrt.Result | None) -> bool:
        if result.iterations == 3:
            begun.set()
        return False

    thread = threading.Thread(target=lambda: found.append(endless.run(image, 10**9, stop=third, cancel=token)))
    thread.start()
    assert begun.wait(60)
    token.cancel()
    thread.join(60)
    (result,) = found
    assert result.stopped == "cancelled"
    assert result.iterations >= 3
    np.testing.assert_array_equal(result.quantized_logits, endless.run(image, result.iterations).quantized_logits)


def test_what_is_no_token(endless: itrt.Model, image: np.ndarray) -> None:
    for cancel in (True, "now", threading.Event()):
        with pytest.raises(InvalidArgumentError, match="cancel: expected an itrt.CancelToken or None, found"):
            endless.run(image, cancel=cancel)  # type: ignore[arg-type]


# --- Ctrl-C ---


class InterruptedSession:
    """A session at which somebody presses Ctrl-C while an iteration runs: the signal is seen when the call is over."""

    def __init__(self, core: _core.Session, at: int) -> None:
        self._core, self._at = core, at

    def iterate(self, *arguments: Any) -> None:
        self._core.iterate(*arguments)
        if self._core.iterations_done == self._at:
            signal.raise_signal(signal.SIGINT)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._core, name)


def interrupted_at(model: itrt.Model, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    def make(height: int, width: int) -> Any:
        return InterruptedSession(_core.Session(model._program, height, width, 1), at)

    monkeypatch.setattr(model, "_sessions", Sessions(make, 4))


@pytest.mark.parametrize("at", [1, 2, 4])
def test_ctrl_c_keeps_the_iterations_that_are_done(
    endless: itrt.Model, image: np.ndarray, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    expected = endless.run(image, at).labels
    interrupted_at(endless, monkeypatch, at)
    with pytest.raises(KeyboardInterrupt) as caught:
        endless.run(image, 9)
    error = caught.value
    assert isinstance(error, Interrupted)
    assert (error.result.iterations, error.result.stopped) == (at, "interrupted")
    np.testing.assert_array_equal(error.result.labels, expected)
    if at > 1:
        np.testing.assert_array_equal(endless.run(image, 1).labels, endless.run(image, 1).labels)


def test_ctrl_c_before_the_first_iteration(
    endless: itrt.Model, image: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pressed(pixels: np.ndarray) -> np.ndarray:
        raise KeyboardInterrupt

    endless.run(image, 5)  # the session that idles has five iterations behind it, of another run
    with monkeypatch.context() as patch:
        patch.setattr(endless, "_read_image", pressed)
        with pytest.raises(KeyboardInterrupt) as caught:
            endless.run(image)
    assert not isinstance(caught.value, Interrupted)
    assert endless.run(image).iterations == 2


def test_a_stream_goes_on_after_ctrl_c(endless: itrt.Model, image: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = [endless.run(image, k).quantized_logits for k in range(1, 5)]
    interrupted_at(endless, monkeypatch, 3)
    stream = endless.stream(image, 4)
    held = [next(stream), next(stream)]
    with pytest.raises(KeyboardInterrupt):
        next(stream)
    held += list(stream)
    assert [result.iterations for result in held] == [1, 2, 3, 4]
    for result, logits in zip(held, expected, strict=True):
        np.testing.assert_array_equal(result.quantized_logits, logits)


def test_a_signal_ends_a_run_that_would_take_hours(endless: itrt.Model, image: np.ndarray) -> None:
    """Another thread sends it to the process, as a terminal does.

    The thread object outlives the run: threading keeps weak references, and Python ignores a KeyboardInterrupt that is
    raised in the callback of one.
    """
    finger = threading.Thread(target=os.kill, args=(os.getpid(), signal.SIGINT))

    def press_ctrl_c(result: itrt.Result, previous: itrt.Result | None) -> bool:
        if result.iterations == 3:
            finger.start()
        return False

    with pytest.raises(Interrupted) as caught:
        endless.run(image, 10**9, stop=press_ctrl_c)
    finger.join()
    result = caught.value.result
    assert result.iterations >= 3
    np.testing.assert_array_equal(result.labels, endless.run(image, result.iterations).labels)
