"""``itrt bench model``: a network beside the peers that are installed."""

from __future__ import annotations

import json
import tempfile
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from itrt.cli import console
from itrt.cli.network_source import Trained
from itrt.cli.output_files import check_directories
from itrt.cli.size import parse_size
from itrt.errors import InvalidArgumentError, MissingDependencyError
from itrt.files import write_atomically

if TYPE_CHECKING:
    from itrt.bench.subject import Subject

_NETWORKS = ("itnet",)


def bench_model(
    checkpoint: Trained = None,
    network: Annotated[
        str | None, typer.Option(help=f"Without a checkpoint: an untrained one of {', '.join(_NETWORKS)}.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="MODULE:FACTORY",
            help="Or the network that a function or class of a module makes, such as itrt.nn:FCNResNet50.",
        ),
    ] = None,
    iterations: Annotated[int, typer.Option(min=1, help="The untrained network's own number.")] = 8,
    channels: Annotated[tuple[int, int, int], typer.Option(help="Of the untrained network, at 1/4, 1/8 and 1/16.")] = (
        64,
        96,
        128,
    ),
    image: Annotated[
        Path | None, typer.Option(help="The image to run. [default: the first for calibration]", show_default=False)
    ] = None,
    calibrate: Annotated[Path | None, typer.Option(help="Directory of images for calibration.")] = None,
    images: Annotated[int, typer.Option(min=1, help="Calibration images to take.")] = 16,
    counts: Annotated[
        list[int] | None,
        typer.Option("-k", "--k", min=1, help="Iterations; repeatable. [default: 1, 4, as trained, 8 if it can]"),
    ] = None,
    threads: Annotated[list[int], typer.Option(min=1, help="Threads; repeatable.")] = [1],  # noqa: B006  Typer copies
    size: Annotated[list[str], typer.Option(help="Height x width; repeatable.")] = ["360x480"],  # noqa: B006
    peer: Annotated[list[str] | None, typer.Option(help="Only this peer; repeatable. [default: all]")] = None,
    turns: Annotated[int, typer.Option(min=1, help="Rounds in which every contender has its turn.")] = 15,
    calls: Annotated[int, typer.Option(min=1, help="Timed calls of a turn.")] = 3,
    fit: Annotated[int, typer.Option(min=1, help="itrt's time is fitted over 1 to this many iterations.")] = 8,
    fresh: Annotated[int, typer.Option(min=0, help="New processes a runtime for start and memory; 0: none.")] = 5,
    directory: Annotated[
        Path | None, typer.Option(help="Keeps the peers' models for the next time. [default: a temporary one]")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="File to write the numbers to, too.")] = None,
) -> None:
    """Measure a network beside other runtimes."""
    try:
        from itrt.bench.comparison import Plan, compare
        from itrt.bench.runtimes import choose_peers
    except ModuleNotFoundError as error:
        raise MissingDependencyError(f"itrt bench model needs {error.name}: pip install 'itrt[bench]'") from error
    from itrt.cli.bench_model_report import print_comparison

    _check_source(checkpoint, network, model)
    check_directories(json=json_file)
    peers = choose_peers(peer or [])
    sizes = tuple(dict.fromkeys(parse_size(text) for text in size))
    if checkpoint is not None:
        subject = _trained(checkpoint, calibrate, image, images)
    elif model is not None:
        subject = _made(model, sizes[0], images)
    else:
        subject = _untrained(iterations, channels, sizes[0], images)
    chosen = tuple(sorted(set(counts or _default_counts(subject))))
    plan = Plan(chosen, tuple(sorted(set(threads))), sizes, turns, calls, fit, fresh)
    with ExitStack() as stack:
        place = directory or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        place.mkdir(parents=True, exist_ok=True)
        bars = stack.enter_context(console.progress())
        task = bars.add_task("", total=None)
        comparison = compare(subject, plan, peers, place, lambda stage: bars.update(task, description=stage))
    print_comparison(comparison)
    if json_file is not None:
        write_atomically(json_file, (json.dumps(asdict(comparison), indent=2) + "\n").encode())
        typer.echo(f"wrote {json_file}")


def _check_source(checkpoint: Path | None, network: str | None, model: str | None) -> None:
    given = {"a checkpoint": checkpoint, "--network": network, "--model": model}
    found = [name for name, value in given.items() if value is not None]
    if len(found) != 1:
        raise InvalidArgumentError(
            f"bench model: expected one of {', '.join(given)}, found {' and '.join(found) or 'none'}"
        )
    if network is not None and network not in _NETWORKS:
        raise InvalidArgumentError(f"--network: expected one of {', '.join(_NETWORKS)}, found {network}")


def _trained(checkpoint: Path, calibrate: Path | None, image: Path | None, count: int) -> Subject:
    from itrt.bench.subject import from_checkpoint
    from itrt.converter.calibration_set import choose
    from itrt.images import images_in, read_image

    if calibrate is None and image is None:
        raise InvalidArgumentError("bench model: expected --calibrate or --image with a checkpoint, found neither")
    paths = choose(images_in(calibrate, "calibration"), count) if calibrate is not None else [image]
    samples = [read_image(path) for path in paths]
    return from_checkpoint(checkpoint, samples, samples[0] if image is None else read_image(image))


def _made(reference: str, size: tuple[int, int], count: int) -> Subject:
    from itrt.bench.subject import made_network

    return made_network(reference, size, count)


def _untrained(iterations: int, channels: tuple[int, int, int], size: tuple[int, int], count: int) -> Subject:
    from itrt.bench.subject import untrained_itnet
    from itrt.nn import ItNetSettings

    settings = ItNetSettings(iterations=iterations, channels=channels, batch_norm="shared")
    return untrained_itnet(settings, size, count)


def _default_counts(subject: Subject) -> list[int]:
    most = subject.max_iterations
    wanted = {1, 4, 8, subject.iterations}
    return [count for count in wanted if most is None or count <= most]
