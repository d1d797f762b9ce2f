"""Learning rates as pure functions of the step: nothing to save, nothing to restore."""

import math


def one_cycle(step: int, steps: int, peak: float, warmup: float) -> float:
    """Return the learning rate of optimizer step ``step`` of ``steps``: one cycle (arXiv 1708.07120).

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


def trapezoid(step: int, steps: int, peak: float, warmup: float, cooldown: float) -> float:
    """Return the learning rate of optimizer step ``step`` of ``steps``: up, constant, down to zero (arXiv 2405.18392).

        peak     ______________
                /              \\
        0     _/                \\_
              warmup             cooldown      shares of the steps

    As long as the rate is constant, the total is not decided: a training may be resumed with more epochs, or with as
    few as make it cool down at once.
    """
    rise = (step + 1) / max(warmup * steps, 1)
    fall = (steps - step) / max(cooldown * steps, 1)
    return peak * min(rise, 1, fall)
