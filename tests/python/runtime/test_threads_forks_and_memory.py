"""What happens around a run: other Python threads, forked processes, memory."""

import gc
import sys
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import itrt
from itrt import _core
from reference.programs import random_image

Script = Callable[..., str]


def test_python_threads_share_a_model(endless_file: bytes) -> None:
    model = itrt.load(endless_file, threads=2)
    images = [random_image(seed, 30 + seed % 3, 41) for seed in range(8)]
    expected = [model.run(image, 5).quantized_logits for image in images]

    def check(index: int) -> bool:
        if index % 2 == 0:
            found = model.run(images[index % 8], 5)
        else:
            *_, found = model.stream(images[index % 8], 5)
        return np.array_equal(found.quantized_logits, expected[index % 8])

    with ThreadPoolExecutor(4) as executor:
        assert all(executor.map(check, range(120)))


def test_python_threads_share_a_result(endless: itrt.Model, image: np.ndarray) -> None:
    expected = endless.run(image, 3).labels
    for result in endless.stream(image, 3):
        with ThreadPoolExecutor(4) as executor:
            labels = list(executor.map(lambda _, result=result: result.labels, range(8)))
    assert all(np.array_equal(each, expected) for each in labels)


def test_a_model_is_freed_at_once(endless_file: bytes, image: np.ndarray) -> None:
    """Its weights and arenas do not wait for the garbage collector."""
    model = itrt.load(endless_file, threads=2)
    gone = weakref.ref(model)
    gc.disable()
    try:
        model.run(image, 3, stop=itrt.stop.stable(1), deadline_ms=1e9)
        list(model.stream(image, 2))
        list(model.map([image] * 3))
        list(model.video([image] * 3, warm=True))
        assert gone() is model
        del model
        assert gone() is None
    finally:
        gc.enable()


def test_a_run_releases_the_gil(endless_file: bytes) -> None:
    """Python threads are never asked to give the GIL up here; another one gets on only where a call releases it."""
    session = _core.Session(itrt.load(endless_file, threads=1)._program, 400, 400, 1)
    interval = sys.getswitchinterval()
    count, stop = 0, threading.Event()

    def work() -> None:
        nonlocal count
        while not stop.is_set():
            count += 1
            time.sleep(0)  # gives the GIL back

    def progresses(call: Callable[[], object]) -> bool:
        before = count
        call()
        return count > before

    image = random_image(0, 400, 400)
    worker = threading.Thread(target=work)
    sys.setswitchinterval(1000)
    try:
        worker.start()
        assert not any(progresses(lambda: None) for _ in range(1000))
        assert any(progresses(lambda: session.start(image)) for _ in range(200))
        assert any(progresses(session.iterate) for _ in range(200))
        assert any(progresses(session.answer) for _ in range(200))
    finally:
        stop.set()
        sys.setswitchinterval(interval)
        worker.join()


FORK = """
import os, sys, threading, warnings
import numpy as np
import itrt

warnings.simplefilter("ignore", DeprecationWarning)  # a fork among threads is what this is about
model = itrt.load(sys.argv[1], threads=3)
image = np.arange(50 * 60 * 3, dtype=np.uint8).reshape(50, 60, 3)
expected = model.run(image, 4).labels
stop = False

def busy():
    while not stop:
        model.run(image, 4)

thread = threading.Thread(target=busy)
thread.start()
for _ in range(10):
    child = os.fork()
    if child == 0:
        try:
            same = all(np.array_equal(model.run(image, 4).labels, expected) for _ in range(3))
        finally:
            os._exit(0 if same else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0, status
stop = True
thread.join()
assert np.array_equal(model.run(image, 4).labels, expected)
print("done")
"""


def test_a_forked_process_runs_the_model(run_script: Script, endless_file: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.itrt"
    path.write_bytes(endless_file)
    assert run_script(FORK, path) == "done\n"


MULTIPROCESSING = """
import multiprocessing, sys, warnings
import numpy as np
import itrt

warnings.simplefilter("ignore", DeprecationWarning)
image = np.full((40, 50, 3), 77, np.uint8)
model = itrt.load(sys.argv[1], threads=2)

def labels(_):
    return model.run(image, 3).labels

if __name__ == "__main__":
    expected = labels(0)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert all(np.array_equal(found, expected) for found in pool.map(labels, range(6)))
    print("done")
"""


def test_a_pool_of_forked_processes(run_script: Script, endless_file: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.itrt"
    path.write_bytes(endless_file)
    assert run_script(MULTIPROCESSING, path) == "done\n"


EXIT_WHILE_RUNNING = """
import sys, threading, time
import numpy as np
import itrt

model = itrt.load(sys.argv[1], threads=2)
image = np.zeros((300, 300, 3), np.uint8)
begun = threading.Event()

def busy():
    while True:
        model.run(image, 50)
        begun.set()

threading.Thread(target=busy, daemon=True).start()
assert begun.wait(60)
print("done")
"""


def test_a_process_may_end_while_a_daemon_thread_runs(run_script: Script, endless_file: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.itrt"
    path.write_bytes(endless_file)
    for _ in range(3):
        assert run_script(EXIT_WHILE_RUNNING, path) == "done\n"


FEW_THREADS = """
import os, resource, sys
import numpy as np
import itrt

image = np.arange(300 * 300 * 3, dtype=np.uint8).reshape(300, 300, 3)
expected = itrt.load(sys.argv[1], threads=1).run(image, 4).labels
model = itrt.load(sys.argv[1], threads=64)
model.run(image[:1, :1])
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
room = int(status["VmSize"].split()[0]) * 1024 + (200 << 20)  # for a few stacks, not for 63
resource.setrlimit(resource.RLIMIT_AS, (room, room))
for _ in range(5):
    assert np.array_equal(model.run(image, 4).labels, expected)
assert len(os.listdir("/proc/self/task")) < 40
print("done")
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
def test_a_system_that_gives_few_threads(run_script: Script, endless_file: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.itrt"
    path.write_bytes(endless_file)
    assert run_script(FEW_THREADS, path) == "done\n"


PEAK = """
import sys
import numpy as np
import itrt

model = itrt.load(sys.argv[1], threads=2)
image = np.zeros((1024, 1024, 3), np.uint8)
iterations = int(sys.argv[2])
model.run(image, iterations).labels
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(int(status["VmHWM"].split()[0]) * 1024, model.arena_bytes(1024, 1024))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
def test_peak_memory_does_not_depend_on_the_iterations(run_script: Script, endless_file: bytes, tmp_path: Path) -> None:
    # VmHWM is this process's own peak; ru_maxrss would start from that of the process which started it.
    path = tmp_path / "model.itrt"
    path.write_bytes(endless_file)
    (once, arena), (often, same_arena) = (map(int, run_script(PEAK, path, count).split()) for count in (1, 64))
    assert arena == same_arena > 3 << 20
    assert abs(often - once) < 1 << 20  # a sixty-fourth of what 64 states would take is more than that
