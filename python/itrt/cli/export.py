"""``itrt export``: a model becomes an ONNX model; on request, how often ONNX Runtime says the same."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from itrt import Model, load
from itrt.cli import console
from itrt.cli.run import DEFAULT_MODEL
from itrt.cli.size import parse_size
from itrt.export import measure_agreement, write_onnx
from itrt.export.onnx_model import OUTPUTS
from itrt.images import images_in


def export(
    output: Annotated[Path, typer.Option("--output", "-o", help="The .onnx file to write.")],
    model: Annotated[str, typer.Argument(help="A packaged model's name, or an .itrt file.")] = DEFAULT_MODEL,
    iterations: Annotated[
        int | None, typer.Option("--iterations", "-k", min=1, help="How many: unrolled. [default: as trained]")
    ] = None,
    size: Annotated[
        str | None, typer.Option(help="Height and width of all images, such as 360x480. [default: any]")
    ] = None,
    answers: Annotated[
        list[str] | None, typer.Option("--answer", help=f"{' or '.join(OUTPUTS)}; may be repeated. [default: both]")
    ] = None,
    copy_weights: Annotated[
        bool,
        typer.Option("--copy-weights", help="One copy an iteration: for x64quantprecision, on x86 without VNNI."),
    ] = False,
    check: Annotated[
        str | None, typer.Option(help="Images to compare with ONNX Runtime's answers: a directory, or synthetic.")
    ] = None,
) -> None:
    """Export a model to ONNX, in the QDQ form. Its input is the u8 image, its outputs are labels and logits."""
    image_size = None if size is None else parse_size(size)
    loaded = load(model)
    images = None if check is None else _images(check)
    write_onnx(model, output, iterations, image_size, answers or OUTPUTS, copy_weights)  # type: ignore[arg-type]
    typer.echo(f"wrote {output}: {console.binary_size(output.stat().st_size)}")
    if images is not None:
        _compare(loaded, output, images, iterations)


def _images(check: str) -> Sequence[Any]:
    from itrt.train.data import SYNTHETIC, open_source

    if check == SYNTHETIC:
        return open_source(SYNTHETIC).split("val").images
    return images_in(Path(check), "--check")


def _compare(model: Model, output: Path, images: Sequence[Any], iterations: int | None) -> None:
    with console.progress() as progress:
        task = progress.add_task("images", total=len(images))
        found = measure_agreement(model, output.read_bytes(), images, iterations, done=lambda: progress.advance(task))
    rows = [("images", f"{found.images}, {console.millions(found.pixels)} pixels")]
    if found.equal_labels is not None:
        rows.append(("equal labels", f"{100 * found.equal_labels:.4f} %"))
    if found.equal_logits is not None:
        rows.append(("equal logits", f"{100 * found.equal_logits:.4f} %"))
    if found.largest_difference:
        rows.append(("largest difference", f"{console.counted(found.largest_difference, 'step')} of a logit"))
    console.output().print(console.facts(rows))
