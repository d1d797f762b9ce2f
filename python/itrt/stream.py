"""A stream of answers: the iteration that is asked for is computed, and the state waits for the next one."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from itrt import stop as rules
from itrt._core import CancelToken
from itrt.anytime import Clock, Limits, MakeResult
from itrt.arguments import check_count
from itrt.errors import CancelledError, InvalidArgumentError
from itrt.result import Result
from itrt.sessions import Session, Sessions


class Stream(Iterator[Result]):
    """An iterator over the answers after every iteration; `itrt.Model.stream` makes it.

    It has its memory to itself until it is closed, collected or cannot go on, so other runs of the model may come in
    between. What ended it (its limit, a rule, a token; an exception such as Ctrl-C as well) does not end its state:
    `resume` allows more. A context manager; two threads may ask it in turns.
    """

    def __init__(
        self,
        sessions: Sessions,
        pixels: NDArray[np.uint8],
        limits: Limits,
        max_iterations: int | None,
        make_result: MakeResult,
        clock: Clock,
    ) -> None:
        self._sessions, self._pixels, self._limits = sessions, pixels, limits
        self._height, self._width = pixels.shape[:2]
        self._max_iterations, self._make_result, self._clock = max_iterations, make_result, clock
        self._lock = threading.Lock()
        self._session: Session | None = None
        self._closed = False
        self._given = 0  # iterations whose answer somebody was given
        self._latest: weakref.ref[Result] | None = None
        self._previous: Result | None = None  # the latest, held for a rule
        self._seconds = 0.0
        self._stopped: str | None = None

    @property
    def iterations(self) -> int:
        """How many answers there were: iterations that were executed."""
        return self._given

    @property
    def stopped(self) -> str | None:
        """Why there is no further answer, as in `Result.stopped`; None if there may be one."""
        return self._stopped

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> Result:
        """The answer after another iteration.

        The head runs for answers that are looked at, asked about by a rule, or still held when the stream moves on; the
        labels are computed when they are read.
        """
        with self._lock:
            if self._stopped is None and self._limits.cancelled:
                self._stopped = "cancelled"
            if self._stopped is not None or self._closed:
                if not self._may_go_on():
                    self._give_back()
                raise StopIteration
            try:
                return self._advance()
            except CancelledError:
                if not self._limits.cancelled:
                    raise  # a rule's own
                self._stopped = "cancelled"
                raise StopIteration from None

    def resume(
        self, iterations: int = 1, *, stop: rules.Rule | None = None, cancel: CancelToken | None = None
    ) -> Stream:
        """Allow further iterations from here; these limits replace the old ones. Returns the stream itself.

        Raises
        ------
        InvalidArgumentError
            If it is closed, if the network cannot run as many, or for what is no limit.
        """
        with self._lock:
            if self._closed and self._may_go_on():
                raise InvalidArgumentError("stream: expected an open one, found it closed")
            if not self._may_go_on():
                raise InvalidArgumentError(
                    f"resume: expected iterations to be left, found all {self._given} of the network done"
                )
            left = None if self._max_iterations is None else self._max_iterations - self._given
            more = check_count("resume", iterations, left)
            self._limits = Limits(self._given + more, stop=stop, cancel=cancel).check()
            self._stopped = None
        return self

    def close(self) -> None:
        """Give the memory up. Results stay valid; the stream has no further ones."""
        with self._lock:
            self._give_back()

    def __enter__(self) -> Stream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_stopped"):  # it was constructed
            self._give_back()

    def _may_go_on(self) -> bool:
        return self._max_iterations is None or self._given < self._max_iterations

    def _advance(self) -> Result:
        begin = self._clock()
        cancel = self._limits.cancel
        session = self._session
        if session is None:
            session = self._sessions.take(self._height, self._width)
            try:
                session.core.start(self._pixels, cancel)
            except CancelledError:
                self._sessions.give_back(self._height, self._width, session)
                raise
            self._session = session
        self._settle()
        if session.core.iterations_done == self._given:  # else Ctrl-C came between an iteration and its answer
            session.core.iterate(cancel)
        result = self._make_result(session.core.iterations_done, session.core.answer)
        self._latest = weakref.ref(result)
        stopped = self._reason_to_stop(result)
        self._given, self._stopped = result.iterations, stopped
        self._previous = None if self._limits.stop is None else result
        self._seconds += self._clock() - begin
        return result.finished(stopped, 1000 * self._seconds)

    def _reason_to_stop(self, result: Result) -> str | None:
        rule = self._limits.stop
        if rule is not None and rule(result, self._previous):
            return rules.name_of(rule)
        return "iterations" if result.iterations >= self._limits.iterations else None

    def _settle(self) -> None:
        """Compute the latest answer if somebody still holds it: its state is about to go."""
        held = None if self._latest is None else self._latest()
        if held is not None:
            _ = held.quantized_logits

    def _give_back(self) -> None:
        self._closed = True
        session, self._session = self._session, None
        self._previous = None
        if session is not None:
            self._settle()
            self._sessions.give_back(self._height, self._width, session)
