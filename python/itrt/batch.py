"""Many images at once: each by one thread, as many at a time as there are threads, results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from itrt._core import CancelToken
from itrt.errors import CancelledError, Interrupted, InvalidArgumentError, MissingFileError
from itrt.images import Image
from itrt.result import Result

_AHEAD = 2  # images a thread that are begun or wait, so that no thread is idle while results are in use


def run_in_order(
    run: Callable[[Image, CancelToken], Result], images: Iterable[Image], threads: int, cancel: CancelToken | None
) -> Generator[Result, None, None]:
    """Yield ``run(image, token)`` for every image, in order.

    Images are taken when their turn is near, so there may be any number of them. When the caller stops asking, or
    something goes wrong, what is under way is cancelled and its threads have ended before this has.
    """
    token = CancelToken(cancel)
    waiting: deque[Future[Result]] = deque()
    executor = ThreadPoolExecutor(threads, thread_name_prefix="itrt")
    failure: Exception | None = None
    supply = enumerate(images)
    try:
        while True:
            try:
                number, image = next(supply)
            except StopIteration:
                break
            except Exception as error:  # the images' own: raised when its turn comes
                failure = error
                break
            waiting.append(Future())  # before its run may begin: Ctrl-C finds it, whenever it comes
            executor.submit(_fulfil, waiting[-1], run, number, image, token)
            if len(waiting) >= _AHEAD * threads:
                yield waiting[0].result()
                waiting.popleft()
        while waiting:
            yield waiting[0].result()
            waiting.popleft()
        if failure is not None:
            raise failure
    except CancelledError:
        if not token.cancelled:
            raise  # a rule's own
        return  # what was done has been yielded
    except KeyboardInterrupt:
        _end(executor, token)
        if done := list(_finished(waiting)):
            raise Interrupted(done) from None
        raise
    finally:
        _end(executor, token)


def _fulfil(
    promise: Future[Result], run: Callable[[Image, CancelToken], Result], number: int, image: Image, token: CancelToken
) -> None:
    if not promise.set_running_or_notify_cancel():
        return  # nobody waits for it any more
    try:
        promise.set_result(run(image, token))
    except (InvalidArgumentError, MissingFileError) as error:
        named = type(error)(f"images[{number}]: {error}")
        named.__cause__ = error
        promise.set_exception(named)
    except BaseException as error:  # the caller's, in its thread
        promise.set_exception(error)


def _end(executor: ThreadPoolExecutor, token: CancelToken) -> None:
    token.cancel()
    executor.shutdown(wait=True, cancel_futures=True)


def _finished(waiting: Iterable[Future[Result]]) -> Iterator[Result]:
    """The results without a gap before them, once the token is cancelled: what has begun will end."""
    for future in waiting:
        if future.cancel() or future.exception() is not None:
            return
        yield future.result()
