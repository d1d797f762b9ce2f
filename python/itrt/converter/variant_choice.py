"""Which way to quantize is kept: the one whose logits are closest to float's, measured with the runtime."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from itrt.converter.arguments import Sample
from itrt.converter.float_executor import FloatExecutor
from itrt.converter.parity import RunnableModel, SignalAndNoise, VariantParity, dequantized
from itrt.converter.variants import Variant
from itrt.format import Program

LEAST_GAIN_DB = 0.5
"""By how much a variant has to be closer to float than a simpler one: less is chance, on so few images."""


def choose_variant(
    variants: Sequence[Variant],
    programs: Sequence[Program],
    load: Callable[[Program], RunnableModel],
    executor: FloatExecutor,
    samples: Sequence[Sample],
) -> tuple[int, tuple[VariantParity, ...]]:
    """Return the place of the variant to keep and what was measured; one alone is kept unmeasured.

    Parameters
    ----------
    variants, programs
        What to choose from, the simplest first, and the program of each.
    load
        Makes a program's model.
    executor
        Of the float network.
    samples
        What to measure on, one image in memory at a time beside these.
    """
    if len(variants) == 1 or not samples:
        return 0, ()
    steps = variants[0].graph.steps
    models = [load(program) for program in programs]
    powers = [[SignalAndNoise() for _ in range(steps)] for _ in variants]
    for image, _ in samples:
        logits = [values[0].permute(1, 2, 0).numpy() for values in executor.run(image, steps)]
        for model, program, by_step in zip(models, programs, powers, strict=True):
            tensor = program.tensors[program.logits]
            found = model.taps(image, steps, [tensor.name])
            for step, (expected, power) in enumerate(zip(logits, by_step, strict=False)):
                power.add(expected, dequantized(found[tensor.name, None if program.state is None else step], tensor))
    ratios = [_mean([power.decibel() for power in by_step]) for by_step in powers]
    chosen = 0
    for place, ratio in enumerate(ratios):
        if ratio > ratios[chosen] + LEAST_GAIN_DB:
            chosen = place
    return chosen, tuple(
        VariantParity(variant.equalized, variant.bias_corrected, ratio, place == chosen)
        for place, (variant, ratio) in enumerate(zip(variants, ratios, strict=True))
    )


def _mean(ratios: Sequence[float]) -> float:
    return math.fsum(ratios) / len(ratios) if all(map(math.isfinite, ratios)) else min(ratios)
