"""A run that ends at the first of its limits: iterations, a rule, a token, Ctrl-C or a deadline.

    image ─► stem ─► block ─► block ─► block ─► another?  ─► head, labels
                                                   │               │
             time ────────────────────────────────►│◄── answer ───►│ deadline
                                            an iteration has
                                            to end before here

What an iteration and an answer take is measured (`Pace`). An iteration that is not expected to fit is not begun; one
that takes longer is ended between two operators as if it had never been begun: the answer before it is still there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from itrt import stop as rules
from itrt._core import CancelToken
from itrt.arguments import check_positive
from itrt.errors import CancelledError, DeadlineExceeded, Interrupted, InvalidArgumentError
from itrt.result import Result
from itrt.sessions import Session

Clock = Callable[[], float]  # seconds; never goes back
MakeResult = Callable[[int, Callable[[], NDArray[np.uint8]]], Result]  # from iterations and what computes the answer


@dataclass(frozen=True)
class Limits:
    """What ends a run, whichever comes first. `check` is to be called once."""

    iterations: int
    deadline_ms: float | None = None
    stop: rules.Rule | None = None
    cancel: CancelToken | None = None

    @property
    def cancelled(self) -> bool:
        """Whether there is a token that was cancelled."""
        return self.cancel is not None and self.cancel.cancelled

    def check(self) -> Limits:
        """Return this; raise InvalidArgumentError for what is no limit. The iterations are checked by the model."""
        if self.deadline_ms is not None:
            check_positive("deadline_ms", self.deadline_ms)
        if self.stop is not None and not callable(self.stop):
            raise InvalidArgumentError(
                f"stop: expected a rule (itrt.stop), a function of two results or None, found {self.stop!r}"
            )
        if self.cancel is not None and not isinstance(self.cancel, CancelToken):
            raise InvalidArgumentError(f"cancel: expected an itrt.CancelToken or None, found {self.cancel!r}")
        return self


@dataclass(frozen=True)
class WarmStart:
    """What a run begins with, if not with the stem's state alone.

    ``state``, (h, w, channels) u8, has ``weight`` of 256 parts in the first state, the stem's has the others;
    ``first_step`` is the step, from 0, whose constants the first iteration takes.
    """

    state: NDArray[np.uint8]
    weight: int
    first_step: int


class Run:
    """One image's run.

    Parameters
    ----------
    session
        Of the image's size; nobody else uses it meanwhile.
    begin
        What `clock` said when the run was asked for: the deadline counts from there.
    """

    def __init__(
        self, session: Session, limits: Limits, make_result: MakeResult, clock: Clock, begin: float | None = None
    ) -> None:
        self._core, self._pace = session.core, session.pace
        self._limits, self._make_result, self._clock = limits, make_result, clock
        self._begin = clock() if begin is None else begin
        self._started = False
        self._latest: Result | None = None  # the last answer that was computed
        self._rule_seconds = 0.0

    def result(self, pixels: NDArray[np.uint8], warm: WarmStart | None = None) -> Result:
        """Run; a finished result.

        Raises
        ------
        CancelledError, DeadlineExceeded
            If that was before the first iteration was done.
        Interrupted
            At Ctrl-C, with the answer after the iterations that are done; before the first it is a KeyboardInterrupt.
        """
        try:
            stopped = self._iterate(pixels, warm)
        except KeyboardInterrupt:
            if not self._done:
                raise
            raise Interrupted([self._answer("interrupted")]) from None
        if not self._done:
            raise self._nothing(stopped, pixels.shape[:2])
        return self._answer(stopped)

    @property
    def _done(self) -> int:
        return self._core.iterations_done if self._started else 0

    @property
    def _deadline(self) -> float | None:
        milliseconds = self._limits.deadline_ms
        return None if milliseconds is None else self._begin + milliseconds / 1000

    def _iterate(self, pixels: NDArray[np.uint8], warm: WarmStart | None) -> str:
        """Iterate until there is a reason to stop; the reason."""
        if (ended := self._call(self._core.start, pixels)) is not None:
            return ended
        self._started = True
        if warm is not None:
            self._core.mix_state(warm.state, warm.weight, warm.first_step)
        while True:
            begin = self._clock()
            if (ended := self._call(self._core.iterate)) is not None:
                return ended
            self._pace.saw_iteration(self._clock() - begin)
            if (reason := self._reason_to_stop()) is not None:
                return reason

    def _call(self, function: Callable[..., None], *arguments: object) -> str | None:
        """Call the session; why that was ended before it was done, or None."""
        try:
            function(*arguments, self._limits.cancel, self._seconds_left())
        except CancelledError:
            return "cancelled" if self._limits.cancelled else "deadline"
        return None

    def _reason_to_stop(self) -> str | None:
        limits = self._limits
        if limits.stop is not None and self._rule_holds(limits.stop):
            return rules.name_of(limits.stop)
        if self._done >= limits.iterations:
            return "iterations"
        if limits.cancelled:
            return "cancelled"
        if self._deadline is not None and not self._another_fits(self._deadline):
            return "deadline"
        return None

    def _rule_holds(self, rule: rules.Rule) -> bool:
        begin = self._clock()
        previous, result = self._latest, self._result_of_now()
        holds = bool(rule(result, previous))
        self._rule_seconds = self._clock() - begin
        return holds

    def _another_fits(self, deadline: float) -> bool:
        if self._pace.answer is None:
            self._measure_answer()  # the first deadline at this size
        expected = (self._pace.iteration or 0) + self._rule_seconds + (self._pace.answer or 0)
        return self._clock() + expected <= deadline

    def _seconds_left(self) -> float | None:
        """Until the latest moment at which an iteration may end, or None for any."""
        if self._deadline is None:
            return None
        return self._deadline - (self._pace.answer or 0) - self._clock()

    def _result_of_now(self) -> Result:
        """The result of the iterations that are done, its logits computed: the state will move on."""
        if self._latest is None or self._latest.iterations != self._done:
            result = self._make_result(self._done, self._core.answer)
            _ = result.quantized_logits
            self._latest = result
        return self._latest

    def _measure_answer(self) -> None:
        begin = self._clock()
        whole = self._latest is None or self._latest.iterations != self._done  # not: a rule has had the head run
        _ = self._result_of_now().labels
        if whole or self._pace.answer is None:
            self._pace.saw_answer(self._clock() - begin)

    def _answer(self, stopped: str) -> Result:
        if self._deadline is not None:
            self._measure_answer()
        result = self._result_of_now()
        return result.finished(stopped, 1000 * (self._clock() - self._begin))

    def _nothing(self, stopped: str, size: tuple[int, ...]) -> Exception:
        elapsed = 1000 * (self._clock() - self._begin)
        if stopped == "cancelled":
            return CancelledError(f"run: expected time for an iteration, found it cancelled after {elapsed:.1f} ms")
        return DeadlineExceeded(
            f"deadline_ms: expected an iteration of an image of {size[0]}x{size[1]} (height x width) within "
            f"{self._limits.deadline_ms:g} ms, found none finished after {elapsed:.1f} ms"
        )
