"""`convert`: capture, lower, fold, calibrate, quantize, write, and measure against float."""

from __future__ import annotations

import itertools
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from itrt.converter import arguments
from itrt.converter.arguments import Sample
from itrt.converter.capture import capture
from itrt.converter.factor_text import EQUALIZATION, factors_to_text
from itrt.converter.fake_quantization import FakeQuantizedNetwork
from itrt.converter.float_executor import FloatExecutor
from itrt.converter.float_graph import FloatGraph
from itrt.converter.folding import fold_normalization, hoist, without_unused
from itrt.converter.lowering import lower
from itrt.converter.parity import ParityMeter, ParityReport, RunnableModel, measure_parity
from itrt.converter.quantization import QuantizedGraph
from itrt.converter.requantization_loss import requantization_loss
from itrt.converter.variant_choice import choose_variant
from itrt.converter.variants import Choice, Variant, VariantCalibration
from itrt.errors import InvalidArgumentError
from itrt.files import check_target, write_atomically
from itrt.format import Preprocessing, Program, to_bytes
from itrt.quantize import ObserverKind, Requantization

logger = logging.getLogger("itrt")

Image = NDArray[np.uint8]
Progress = Callable[[str, int, int | None], None]
"""Called with a stage ("capture", "calibrate", "parity", ...), how much of it is done, and of how much, if known."""

DEFAULT_OBSERVER: ObserverKind = "mse"


@dataclass(frozen=True)
class Conversion:
    """The file that was written, the program in it, and how close it is to float (None if not measured).

    ``graph`` is the float network with the program's tensors, ``images`` are those of the parity report: what
    `examine` takes.
    """

    path: Path
    program: Program
    parity: ParityReport | None
    graph: FloatGraph
    images: tuple[Image, ...]


def convert(
    network: nn.Module,
    path: str | os.PathLike[str],
    *,
    calibration: Iterable[Image] | None = None,
    mean: Sequence[float] = (0.0, 0.0, 0.0),
    std: Sequence[float] = (1.0, 1.0, 1.0),
    classes: Sequence[str] | int | None = None,
    palette: Sequence[Sequence[int]] | None = None,
    example_input: Tensor | None = None,
    name: str | None = None,
    observer: ObserverKind = DEFAULT_OBSERVER,
    equalize: Choice = "auto",
    correct_bias: Choice = "auto",
    requantize: Requantization | None = None,
    labels: Iterable[NDArray[np.generic]] | None = None,
    parity_images: int = 8,
    progress: Progress | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Conversion:
    """Convert a network to int8 and write it to one file; the same arguments give the same bytes.

    Parameters
    ----------
    network
        An IterativeNetwork, or any module that maps a normalized image (1, 3, H, W) to logits (1, classes, h, w) or,
        for the image as a whole, (1, classes); of several results the first counts (docs/converter.md). A last bilinear
        resampling to the image's size is left to the labels. It is converted as in evaluation mode and is not changed.
        Or what `itrt.quantize.prepare` returned: the program then computes what that computes, bit for bit.
    path
        The file to write; it appears complete or not at all.
    calibration
        u8 (height, width, 3) RGB images, sizes may differ: any iterable. It is iterated once, so a generator will do,
        and one image is held at a time, but for those that the parity report needs. A prepared network has its scales:
        images then are for the report alone, and None leaves it out.
    mean, std
        The normalization of the network's input, a number a channel on the 0..1 scale: it sees (pixel / 255 - mean)
        / std. Without them, pixels are on the 0..1 scale and not normalized. A prepared network has its own.
    classes
        Class names, one for each channel of the logits, or their number. None: as many as logits, named by number.
    palette
        A color (red, green, blue), 0..255, for each class; a default one if None.
    example_input
        Float (1, 3, H, W) of a size to export with; if None, zeros of 481x641, or of 512x640 for a network that does
        not take those.
    name
        The model's name; the file's if None.
    observer
        How ranges are calibrated: "minmax", "percentile" (99.99) or "mse". A prepared network's are not.
    equalize
        Whether channels are rescaled so that all of them use the 256 values: "on", "off" or "auto", which quantizes
        both ways and keeps what has logits closer to float on the images of the parity report ("off" without these,
        and for a network that `prepare` returned: its scales are trained).
    correct_bias
        Whether shifts make up for what rounded weights do to means; choices as for ``equalize``.
    requantize
        What turns a convolution's sums into outputs: a "float" scale, a "fixed" multiplier of 15 bits and a shift, or
        a shift alone ("pow2"), which suits networks whose normalization is the same in every iteration, or that were
        trained for it. The last two need no floating point between image and labels; the report says what they cost.
        None: "float", or what a prepared network was prepared for.
    labels
        Integer (height, width) labels of the calibration images, in their order, for the report's mean IoUs;
        values that are no class are ignored.
    parity_images
        How many of the first calibration images the parity report runs; 0 leaves the report out.
    progress
        Called as work goes on.
    metadata
        Anything else to store in the file.

    Raises
    ------
    InvalidArgumentError, MissingFileError
        If an argument is wrong; before work starts, as far as it can be known then.
    ConversionError
        If the network cannot be converted: every unsupported operator is named, weights that are not finite, or the
        image whose size the network cannot process. Nothing is written then.
    """
    target = check_target(path)
    normalization = arguments.check_normalization(mean, std)
    arguments.check_network(network)
    arguments.check_example_input(example_input)
    given = arguments.check_classes(classes)
    if given is not None:
        arguments.check_palette(palette, len(given))
    arguments.check_observer(observer)
    arguments.check_choice("equalize", equalize)
    arguments.check_choice("correct_bias", correct_bias)
    prepared = network if isinstance(network, FakeQuantizedNetwork) else None
    requantization: Requantization = requantize or (prepared.requantization if prepared is not None else "float")
    arguments.check_requantization(requantization)
    if prepared is not None:
        _check_own_normalization(prepared, normalization)
    samples = _samples(calibration, labels, needed=prepared is None)
    total = len(calibration) if isinstance(calibration, Sized) else None
    report_progress = progress or (lambda stage, done, of: None)

    report_progress("capture", 0, 1)
    graph = float_graph(network, *normalization, example_input) if prepared is None else prepared.float_graph()
    report_progress("capture", 1, 1)
    channels = graph.tensors[graph.logits].channels
    names = given or arguments.numbered_classes(channels)
    if channels != len(names):
        raise InvalidArgumentError(f"classes: expected {channels} names, as many as logits, found {len(names)}")
    colors = arguments.check_palette(palette, channels)

    executor = FloatExecutor(graph)
    if prepared is None:
        ways = VariantCalibration(
            graph,
            executor,
            observer,
            equalize=_decided(equalize, parity_images),
            correct_bias=_decided(correct_bias, parity_images),
        )
        kept = ways.observe(samples, parity_images, lambda done: report_progress("calibrate", done, total))
        variants = ways.variants()
    else:
        kept = list(itertools.islice(samples, parity_images))
        variants = (Variant({}, graph, prepared.scales.activation_parameters()),)

    def quantized_program(variant: Variant, requantization: Requantization) -> tuple[Program, tuple[str, ...]]:
        described = {**(metadata or {}), "observer": observer if prepared is None else "trained"}
        if requantization != "float":
            described["requantization"] = requantization
        quantized = variant.quantized(requantization)
        program = _program(
            variant, quantized, name=name or target.stem, classes=names, palette=colors, metadata=described
        )
        return program, quantized.notes

    programs = [quantized_program(variant, requantization) for variant in variants]
    chosen, compared = choose_variant(variants, [program for program, _ in programs], _load, executor, kept)
    variant, (program, notes) = variants[chosen], programs[chosen]

    def measured(program: Program, notes: tuple[str, ...], stage: str) -> ParityReport:
        meter = ParityMeter(_load(program), FloatExecutor(variant.graph), program, graph.steps)
        return measure_parity(meter, kept, notes, compared, lambda done: report_progress(stage, done, len(kept)))

    data = to_bytes(program)
    parity = measured(program, notes, "parity") if kept else None
    if parity is not None and requantization != "float":
        with_float = measured(*quantized_program(variant, "float"), "parity of float requantization")
        logits = program.tensors[program.logits].name
        parity = replace(parity, requantization=requantization_loss(requantization, parity, with_float, logits))
    write_atomically(target, data)
    logger.info("%s: %d bytes, %d notes", target, len(data), len(notes))
    return Conversion(target, program, parity, variant.graph, tuple(image for image, _ in kept))


def float_graph(
    network: nn.Module, mean: tuple[float, ...], std: tuple[float, ...], example_input: Tensor | None = None
) -> FloatGraph:
    """Return what calibration and quantization start from: everything folded, loop-invariant work in the stem."""
    return fold_normalization(lowered_graph(network, mean, std, example_input))


def lowered_graph(
    network: nn.Module, mean: tuple[float, ...], std: tuple[float, ...], example_input: Tensor | None = None
) -> FloatGraph:
    """Return the same, but the image's normalization not folded: its weights are as large as the network's own."""
    return hoist(without_unused(lower(capture(network, example_input), mean, std)))


def _check_own_normalization(prepared: FakeQuantizedNetwork, given: tuple[tuple[float, ...], ...]) -> None:
    own, default = (prepared.mean, prepared.std), ((0.0,) * len(prepared.mean), (1.0,) * len(prepared.std))
    if given not in (own, default):
        raise InvalidArgumentError(f"mean, std: expected those of the prepared network, {own}, or none, found {given}")


def _samples(
    calibration: Iterable[Image] | None, labels: Iterable[NDArray[np.generic]] | None, *, needed: bool
) -> Iterator[Sample]:
    if calibration is not None:
        return arguments.checked_samples(calibration, labels)
    if needed:
        raise InvalidArgumentError("calibration: expected images, found None: only a prepared network needs none")
    return iter(())


def _decided(choice: Choice, parity_images: int) -> Choice:
    """Return what "auto" means where there are no images to measure with."""
    return "off" if choice == "auto" and parity_images == 0 else choice


def _load(program: Program) -> RunnableModel:
    from itrt.loading import load  # the compiled module: nothing else in the converter needs it

    return load(to_bytes(program))


def _program(
    variant: Variant,
    quantized: QuantizedGraph,
    *,
    name: str,
    classes: tuple[str, ...],
    palette: tuple[tuple[int, int, int], ...],
    metadata: dict[str, str],
) -> Program:
    graph = variant.graph
    if variant.equalized:
        metadata = {**metadata, EQUALIZATION: factors_to_text(variant.factors)}
    if variant.bias_corrected:
        metadata = {**metadata, "bias": "corrected"}
    return Program(
        name=name,
        iterations=graph.iterations,
        max_iterations=graph.max_iterations,
        tensors=quantized.tensors,
        image=quantized.index(graph.image),
        state=None if graph.state is None else quantized.index(graph.state),
        next_state=None if graph.next_state is None else quantized.index(graph.next_state),
        logits=quantized.index(graph.logits),
        stem=quantized.stem,
        block=quantized.block,
        head=quantized.head,
        preprocessing=Preprocessing(graph.mean, graph.std),
        classes=classes,
        palette=palette,
        metadata=metadata,
    )
