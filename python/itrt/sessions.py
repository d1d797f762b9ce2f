"""The sessions of a model: one a run; between runs they idle, with what an iteration and an answer took on them."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from itrt import _core

Size = tuple[int, int]  # height, width


class Pace:
    """How long things took on images of one size, in seconds: what is to be expected of the next time.

    Attributes
    ----------
    iteration, answer
        An execution of the block; the head with the labels. None: not measured yet.
    """

    def __init__(self) -> None:
        self.iteration: float | None = None
        self.answer: float | None = None

    def saw_iteration(self, seconds: float) -> None:
        """Learn from an iteration."""
        self.iteration = _expected(self.iteration, seconds)

    def saw_answer(self, seconds: float) -> None:
        """Learn from an answer."""
        self.answer = _expected(self.answer, seconds)


def _expected(before: float | None, now: float) -> float:
    """Slower is believed at once, faster by halves: an expectation that is too low costs a deadline."""
    return now if before is None else max(now, (before + now) / 2)


class Session:
    """A compiled session and its pace."""

    def __init__(self, core: _core.Session) -> None:
        self.core = core
        self.pace = Pace()


class Sessions:
    """Sessions by size of image: those that idle, and new ones where none does.

    Parameters
    ----------
    make
        Makes a session for images of a height and a width.
    idle
        How many are kept for the next run of their size, over all sizes.
    """

    def __init__(self, make: Callable[[int, int], _core.Session], idle: int) -> None:
        self._make = make
        self._most = idle
        self._idle: list[tuple[Size, Session]] = []
        self._lock = threading.Lock()
        # A fork while another thread holds the lock would leave it locked in the child for ever.
        _pools.add(self)

    def take(self, height: int, width: int) -> Session:
        """A session of this size for one user."""
        with self._lock:
            match = next((index for index, (size, _) in enumerate(self._idle) if size == (height, width)), None)
            if match is not None:
                return self._idle.pop(match)[1]
        return Session(self._make(height, width))

    def give_back(self, height: int, width: int, session: Session) -> None:
        """End the use of a session.

        The garbage collector may call this for a forgotten stream, in the middle of anything, `take` of the same thread
        included: so it appends, which disturbs nobody, and never waits for the lock.
        """
        self._idle.append(((height, width), session))
        if self._lock.acquire(blocking=False):
            try:
                del self._idle[: -self._most]
            finally:
                self._lock.release()

    @contextmanager
    def session(self, height: int, width: int) -> Iterator[Session]:
        """A session for as long as the context lasts."""
        session = self.take(height, width)
        try:
            yield session
        finally:
            self.give_back(height, width, session)

    def renew_lock(self) -> None:
        """Forget who holds the lock."""
        self._lock = threading.Lock()


_pools: weakref.WeakSet[Sessions] = weakref.WeakSet()


def _renew_locks() -> None:
    for pool in list(_pools):
        pool.renew_lock()


os.register_at_fork(after_in_child=_renew_locks)
