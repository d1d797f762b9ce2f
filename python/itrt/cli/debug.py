"""``itrt debug``: the first layer where a model and its float network part; no logic."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from itrt.cli import console
from itrt.cli.network_source import Checkpoint, Factory, IgnoreKeys, NetworkSource, Trained
from itrt.errors import MissingDependencyError
from itrt.format import read
from itrt.images import read_image
from itrt.loading import read_model
from itrt.text import decibel

if TYPE_CHECKING:
    from rich.table import Table

    from itrt.converter import Fault, LayerDifference

_PARTED = 3  # the exit code; 1 is an error


def debug(
    model: Annotated[str, typer.Argument(help="An .itrt file, or a packaged model's name.")],
    image: Annotated[Path, typer.Argument(help="What both run on.")],
    trained: Trained = None,
    factory: Factory = None,
    checkpoint: Checkpoint = None,
    ignore_keys: IgnoreKeys = None,
    threshold: Annotated[
        float | None,
        typer.Option(help="In dB: a layer parts from float where its signal to noise is below. [default: 15]"),
    ] = None,
) -> None:
    """Run a model and its float network side by side, layer by layer. Exit code 3: they part, and where.

    The network is that of a CHECKPOINT of itrt train, or what --model makes, with the weights of --checkpoint: what
    itrt convert was given.
    """
    try:
        from itrt.converter import DEFAULT_THRESHOLD_DB, compare_layers, first_fault
    except ModuleNotFoundError as error:
        raise MissingDependencyError(f"itrt debug needs {error.name}: pip install 'itrt[convert]'") from error
    source = NetworkSource(trained, factory, checkpoint, ignore_keys or ())
    source.check(calibrated=True)  # nothing is calibrated here
    pixels = read_image(image)
    program = read(read_model(model)[0])
    layers = compare_layers(source.network(), program, [pixels])
    limit = DEFAULT_THRESHOLD_DB if threshold is None else threshold
    fault = first_fault(layers, program, limit)
    terminal = console.output()
    terminal.print(_table(layers, fault))
    if fault is None:
        terminal.print(f"\nno layer is below {limit:g} dB", soft_wrap=True)
        return
    terminal.print(_sentence(fault, limit), soft_wrap=True, markup=False)
    raise typer.Exit(_PARTED)


def _table(layers: Sequence[LayerDifference], fault: Fault | None) -> Table:
    numbers = ["dB", "dB alone", "gain alone", "clipped, %", "range used, %"]
    table = console.table("iteration", "layer", *numbers, numbers=numbers, title="int8 against float")
    last: int | None = None
    for layer in layers:
        if layer.step != last:
            table.add_section()
        last = layer.step
        table.add_row(
            "stem" if layer.step is None else str(layer.step + 1),
            layer.tensor,
            decibel(layer.snr_db),
            decibel(layer.own_snr_db),
            f"{layer.gain:.3f}",
            f"{100 * layer.clipped:.2f}",
            f"{100 * layer.used:.0f}",
            style="bold red" if fault is not None and layer == fault.layer else "",
        )
    return table


def _sentence(fault: Fault, limit: float) -> str:
    layer = fault.layer
    when = "in the stem" if layer.step is None else f"in iteration {layer.step + 1}"
    reasons = "\n".join(f"  - {reason}" for reason in fault.reasons)
    ratio = decibel(layer.snr_db)
    return f"\n{layer.tensor} {when} is the first below {limit:g} dB, at {ratio}; likely because\n{reasons}"
