"""A video, frame by frame: each run may begin with the state that the last one ended with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from itrt.anytime import Clock, Limits, MakeResult, Run, WarmStart
from itrt.errors import CancelledError, InvalidArgumentError
from itrt.images import Image
from itrt.result import Result
from itrt.sessions import Sessions


@dataclass(frozen=True)
class Warmth:
    """How a frame begins: see `WarmStart`."""

    weight: int
    first_step: int


class Video(Iterator[Result]):
    """An iterator over the answers to a video's frames, in their order; `itrt.Model.video` makes it.

        frame 1 ─► stem ─► block ─► ... ─► block ─► head
                                              └──── share ────┐ state
        frame 2 ─► stem ──────────────────── 1 - share ───────┴─► block ─► ... ─► block ─► head

    A frame is read when its answer is asked for. An error is that of one frame and names it; asking again goes on with
    the next frame, from the state of the last one that was answered. A cancelled video ends.
    """

    def __init__(
        self,
        frames: Iterator[Image],
        read: Callable[[Image], NDArray[np.uint8]],
        sessions: Sessions,
        limits: Limits,
        warm: Warmth | None,
        make_result: Callable[[int, int], MakeResult],
        clock: Clock,
    ) -> None:
        self._frames, self._read, self._sessions = frames, read, sessions
        self._limits, self._warmth = limits, warm
        self._make_result, self._clock = make_result, clock
        self._number = 0
        self._size: tuple[int, ...] = ()
        self._state: NDArray[np.uint8] | None = None

    @property
    def frame(self) -> int:
        """The number of the last frame that was taken, from 1."""
        return self._number

    def __iter__(self) -> Video:
        return self

    def __next__(self) -> Result:
        """The answer to the next frame; errors as of `Model.run`, and InvalidArgumentError for one of another size."""
        if self._limits.cancelled:
            raise StopIteration
        image = next(self._frames)
        self._number += 1
        begin = self._clock()
        pixels = self._pixels(image)
        height, width = pixels.shape[:2]
        with self._sessions.session(height, width) as session:
            run = Run(session, self._limits, self._make_result(height, width), self._clock, begin)
            try:
                result = run.result(pixels, self._warm())
            except CancelledError:
                if not self._limits.cancelled:
                    raise  # a rule's own
                raise StopIteration from None
            if self._warmth is not None:
                self._state = session.core.state()
        return result

    def _warm(self) -> WarmStart | None:
        if self._warmth is None or self._state is None:
            return None
        return WarmStart(self._state, self._warmth.weight, self._warmth.first_step)

    def _pixels(self, image: Image) -> NDArray[np.uint8]:
        try:
            pixels = self._read(image)
        except InvalidArgumentError as error:
            raise InvalidArgumentError(f"frame {self._number}: {error}") from error
        size = pixels.shape[:2]
        self._size = self._size or size
        if size != self._size:
            raise InvalidArgumentError(
                f"frame {self._number}: expected {self._size[0]}x{self._size[1]} (height x width) as before, "
                f"found {size[0]}x{size[1]}"
            )
        return pixels
