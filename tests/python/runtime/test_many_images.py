"""Model.map: images spread over threads, results in order."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import itrt
from itrt.errors import CancelledError, Interrupted, InvalidArgumentError, MissingFileError
from reference.programs import random_image


def images_of_many_sizes(count: int) -> list[np.ndarray]:
    return [random_image(seed, 20 + 7 * (seed % 3), 40 - 5 * (seed % 4)) for seed in range(count)]


def our_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("itrt")]


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_are_those_of_run_in_order(endless_file: bytes, threads: int) -> None:
    model = itrt.load(endless_file, threads=threads)
    images = images_of_many_sizes(23)
    results = list(model.map(images, 3))
    assert len(results) == len(images)
    for image, result in zip(images, results, strict=True):
        expected = model.run(image, 3)
        assert (result.iterations, result.stopped) == (3, "iterations")
        np.testing.assert_array_equal(result.quantized_logits, expected.quantized_logits)
        np.testing.assert_array_equal(result.labels, expected.labels)
    assert our_threads() == []


def test_an_array_of_images(endless: itrt.Model) -> None:
    batch = np.stack([random_image(seed, 20, 30) for seed in range(4)])
    found = [result.labels for result in endless.map(batch)]
    np.testing.assert_array_equal(found, [endless.run(image).labels for image in batch])


def test_no_images(endless: itrt.Model) -> None:
    assert list(endless.map([])) == []


def test_an_endless_supply_is_taken_bit_by_bit(endless: itrt.Model) -> None:
    taken = 0

    def supply() -> Iterator[np.ndarray]:
        nonlocal taken
        while True:
            taken += 1
            yield random_image(taken, 20, 30)

    results = endless.map(supply())
    assert taken == 0
    for _ in range(10):
        next(results)
    assert taken <= 10 + 2 * endless.threads
    results.close()
    assert our_threads() == []


def test_a_rule_for_every_image(endless: itrt.Model) -> None:
    images = images_of_many_sizes(6)

    def by_height(result: itrt.Result, previous: itrt.Result | None) -> bool:
        return result.iterations == result.labels.shape[0] // 7

    counts = [result.iterations for result in endless.map(images, 9, stop=by_height)]
    assert counts == [image.shape[0] // 7 for image in images]


def test_a_wrong_image_is_named_after_the_results_before_it(endless: itrt.Model, tmp_path: Path) -> None:
    good = random_image(0, 20, 30)
    for wrong, error in ((np.zeros((3, 3)), InvalidArgumentError), (tmp_path / "none.png", MissingFileError)):
        results = endless.map([good, good, good, wrong, good])
        for _ in range(3):
            next(results)
        with pytest.raises(error, match=r"images\[3\]: image: expected"):
            next(results)
        assert our_threads() == []


def test_an_error_of_the_supply_comes_after_the_results_before_it(endless: itrt.Model) -> None:
    def supply() -> Iterator[np.ndarray]:
        yield from images_of_many_sizes(3)
        raise ZeroDivisionError

    results = endless.map(supply())
    for _ in range(3):
        assert next(results).stopped == "iterations"
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert our_threads() == []


def test_a_rules_own_error_is_the_callers(endless: itrt.Model) -> None:
    for error in (ZeroDivisionError, CancelledError):

        def broken(result: itrt.Result, previous: itrt.Result | None, error: type[Exception] = error) -> bool:
            raise error

        with pytest.raises(error):
            list(endless.map(images_of_many_sizes(3), stop=broken))


def test_what_is_no_collection(endless: itrt.Model) -> None:
    for images in ("street.png", Path("street.png"), 7, None):
        with pytest.raises(InvalidArgumentError, match="map: images: expected .*images, found"):
            endless.map(images)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match="iterations: expected"):
        endless.map([], 0)


def test_a_cancelled_token_ends_the_results(endless: itrt.Model) -> None:
    token = itrt.CancelToken()
    images = images_of_many_sizes(50)
    results = []
    for result in endless.map(images, cancel=token):
        results.append(result)
        if len(results) == 3:
            token.cancel()
    assert 3 <= len(results) <= 3 + 2 * endless.threads  # those that were under way are given as far as they came
    assert our_threads() == []
    for image, result in zip(images, results, strict=False):
        expected = endless.run(image, result.iterations)
        np.testing.assert_array_equal(result.quantized_logits, expected.quantized_logits)


def test_ctrl_c_keeps_what_nobody_was_given(endless_file: bytes) -> None:
    """Ctrl-C comes while the third image is taken: by then the first run has had three of its many iterations."""
    model = itrt.load(endless_file, threads=3)
    images = images_of_many_sizes(3)
    begun = threading.Event()

    def third(result: itrt.Result, previous: itrt.Result | None) -> bool:
        if result.iterations == 3 and result.labels.shape == images[0].shape[:2]:
            begun.set()
        return False

    def supply() -> Iterator[np.ndarray]:
        yield from images[:2]
        assert begun.wait(60)
        raise KeyboardInterrupt

    with pytest.raises(Interrupted) as caught:
        list(model.map(supply(), 10**9, stop=third))
    assert our_threads() == []
    results = caught.value.results
    assert 1 <= len(results) <= 2
    assert results[0].iterations >= 3
    for image, result in zip(images, results, strict=False):
        assert result.stopped == "cancelled"
        np.testing.assert_array_equal(result.labels, model.run(image, result.iterations).labels)


def test_ctrl_c_before_anything_is_done(endless: itrt.Model) -> None:
    def supply() -> Iterator[np.ndarray]:
        raise KeyboardInterrupt
        yield

    with pytest.raises(KeyboardInterrupt) as caught:
        list(endless.map(supply()))
    assert not isinstance(caught.value, Interrupted)


FORK = """
import os, sys, warnings
import numpy as np
import itrt

warnings.simplefilter("ignore", DeprecationWarning)
model = itrt.load(sys.argv[1], threads=3)
images = [np.full((40 + i, 50, 3), 20 * i, np.uint8) for i in range(9)]
expected = [result.labels for result in model.map(images)]
results = model.map(images)
next(results)  # threads are under way
child = os.fork()
if child == 0:
    same = all(np.array_equal(a.labels, b) for a, b in zip(model.map(images), expected, strict=True))
    os._exit(0 if same else 1)
_, status = os.waitpid(child, 0)
assert os.waitstatus_to_exitcode(status) == 0, status
assert len(list(results)) == 8
print("done")
"""


def test_a_forked_process_maps(run_script: Callable[..., str], endless_file: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.itrt"
    path.write_bytes(endless_file)
    assert run_script(FORK, path) == "done\n"


def test_many_threads_are_many_sessions_that_are_used_again(
    endless_file: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = itrt.load(endless_file, threads=6)
    images = [random_image(seed, 40, 40) for seed in range(30)]
    list(model.map(images))
    single = model._single_threaded()
    made: list[Any] = []
    make = single._sessions._make
    monkeypatch.setattr(single._sessions, "_make", lambda *size: made.append(size) or make(*size))
    kept = len(single._sessions._idle)
    list(model.map(images))
    assert len(made) <= 6 - kept
