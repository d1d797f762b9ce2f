"""One-cycle learning rate (arXiv 1708.07120) as a pure function of the step: nothing to save, nothing to restore."""

import math


def one_cycle(step: int, steps: int, peak: float, warmup: float) -> float:
    """Return the learning rate of optimizer step ``step`` of ``steps``.

    It rises as a cosine from peak / 25 to ``peak`` over the first ``warmup`` share of the steps, and falls as a cosine
    to peak / 10000 at the last one.
    """
    low, end = peak / 25, peak / 10000
    top = warmup * (steps - 1)
    if step < top:
        return low + (peak - low) * (1 - math.cos(math.pi * step / top)) / 2
    if steps == 1:
        return peak
    return end + (peak - end) * (1 + math.cos(math.pi * (step - top) / (steps - 1 - top))) / 2
