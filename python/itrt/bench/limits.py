"""What the machine can do at most, measured beside the kernels: it changes while others use the machine."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

_COPY_BYTES = 64 << 20  # a thread; more than its share of any cache
_REPEATS = 5


def copy_bandwidth(threads: int) -> float:
    """Bytes a second that a copy in memory reads and writes, the best of some."""
    blocks = [np.ones((2, _COPY_BYTES), np.uint8) for _ in range(threads)]
    best = 0.0
    with ThreadPoolExecutor(threads) as executor:
        for _ in range(_REPEATS):
            start = time.perf_counter()
            list(executor.map(lambda block: np.copyto(block[1], block[0]), blocks))  # numpy releases the GIL
            best = max(best, 2 * _COPY_BYTES * threads / (time.perf_counter() - start))
    return best
