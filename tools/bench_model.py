#!/usr/bin/env python3
"""Time a network in itrt beside ONNX Runtime: same checkpoint, same calibration, interleaved runs, labels compared.

    python tools/bench_model.py network.pt --image examples/street.png

A run counts from the image to the labels at the image's size. Needs ``pip install itrt[bench,train]``.
"""

from __future__ import annotations

import functools
import platform
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

import itrt
from itrt.bench.interleave import Timing, time_in_turns
from itrt.images import read_image


def open_itrt(model: Path, image: Path, iterations: int, threads: int) -> Callable[[], NDArray[Any]]:
    loaded, pixels = itrt.load(model, threads=threads), read_image(image)
    return lambda: loaded.run(pixels, iterations).labels


def open_onnx_runtime(model: Path, image: Path, threads: int) -> Callable[[], NDArray[Any]]:
    from itrt.bench import onnx_peer

    session, pixels = onnx_peer.open_session(model, threads), np.load(image)
    return lambda: session(pixels)


def cpu_name() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def show(timings: dict[str, Timing], iterations: int, threads: int, isa: str) -> None:
    table = Table(title=f"{iterations} iterations, {threads} thread(s), {cpu_name()}, itrt on {isa}")
    for column in ("runtime", "k = 1, ms", f"k = {iterations}, ms", "an iteration, ms", "ratio", "equal labels"):
        table.add_column(column, justify="left" if column == "runtime" else "right")
    ours = timings[f"itrt k={iterations}"]
    for runtime in ("itrt", "ONNX Runtime"):
        one, all_of_them = timings[f"{runtime} k=1"], timings[f"{runtime} k={iterations}"]
        slope = (all_of_them.median - one.median) / (iterations - 1)
        table.add_row(
            runtime,
            f"{one.median * 1e3:.2f}",
            f"{all_of_them.median * 1e3:.2f}",
            f"{slope * 1e3:.2f}",
            f"{all_of_them.median / ours.median:.2f}",
            f"{np.mean(all_of_them.labels == ours.labels):.4f}",
        )
    Console().print(table)


def main(
    checkpoint: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    image: Annotated[Path, typer.Option(exists=True, dir_okay=False)],
    calibrate: Annotated[Path | None, typer.Option(help="Directory of images. (default: the image)")] = None,
    images: Annotated[int, typer.Option(min=1, help="Calibration images.")] = 16,
    threads: Annotated[int, typer.Option(min=1)] = 1,
    turns: Annotated[int, typer.Option(min=1)] = 15,
    calls: Annotated[int, typer.Option(min=1, help="A turn.")] = 5,
) -> None:
    from itrt.bench import onnx_peer
    from itrt.converter.calibration_set import images_in
    from itrt.converter.checkpoint import convert_checkpoint
    from itrt.train.checkpoint import load_network

    paths = images_in(calibrate) if calibrate is not None else [image]
    samples = [read_image(path) for path in paths[:: max(len(paths) // images, 1)][:images]]
    network, metadata = load_network(checkpoint)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        model = directory / "model.itrt"
        convert_checkpoint(checkpoint, model, calibration=samples, parity_images=0)
        normalized = [onnx_peer.normalize(sample, metadata.mean, metadata.standard_deviation) for sample in samples]
        image_file = directory / "image.npy"
        np.save(image_file, onnx_peer.normalize(read_image(image), metadata.mean, metadata.standard_deviation))
        openers: dict[str, Callable[[], Callable[[], NDArray[Any]]]] = {}
        for k in (1, network.iterations):
            peer = onnx_peer.build(network, k, normalized, directory)
            openers[f"itrt k={k}"] = functools.partial(open_itrt, model, image, k, threads)
            openers[f"ONNX Runtime k={k}"] = functools.partial(open_onnx_runtime, peer, image_file, threads)
        show(time_in_turns(openers, turns, calls), network.iterations, threads, itrt.load(model).isa)


if __name__ == "__main__":
    typer.run(main)
