"""An itrt model as an ONNX model in the QDQ form: 8-bit tensors between QuantizeLinear and DequantizeLinear."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Literal

from itrt.arguments import check_count
from itrt.errors import InvalidArgumentError, MissingDependencyError
from itrt.export.sharing import with_copied_weights
from itrt.export.unrolled import LABELS, LOGITS, unrolled
from itrt.files import check_target, write_atomically
from itrt.format import Program, read, to_bytes
from itrt.format.costs import Size, tensor_sizes
from itrt.loading import load, read_model

Output = Literal["labels", "logits"]
OUTPUTS: tuple[Output, ...] = (LABELS, LOGITS)
_SUFFIX = ".onnx"
_MAX_EXTENT = 1 << 16


def to_onnx(
    model: Program | str | os.PathLike[str] | bytes,
    iterations: int | None = None,
    image_size: Size | None = None,
    outputs: Sequence[Output] = OUTPUTS,
    copy_weights: bool = False,
) -> bytes:
    """Return a model as the bytes of an ONNX model of one number of iterations: the loop is unrolled.

    Its input is ``image``, (height, width, 3) u8 RGB; its outputs are what `itrt.Result` has of these names. Weights
    that iterations share are stored once. docs/interoperability.md says what is rounded otherwise.

    Parameters
    ----------
    model
        A program, a packaged model's name, the path of an ``.itrt`` file, or a file's bytes.
    iterations
        How often the block is executed, 1 to the model's limit. Default: as trained.
    image_size
        Height and width of all images. Default: open; the graph then computes sizes where it resamples.
    outputs
        ``labels``, (height, width) u8 (u16 with more than 256 classes), ``logits``, (classes, h, w) float32 at the
        head's resolution, or both, in this order.
    copy_weights
        A copy of the weights for every iteration. ONNX Runtime needs it for its setting "session.x64quantprecision",
        without which its sums are wrong on x86 CPUs without VNNI.

    Raises
    ------
    MissingFileError, ModelFileError
        As `itrt.load`.
    InvalidArgumentError
        For a number of iterations that the model does not have, a size that it does not take, or unknown outputs.
    MissingDependencyError
        If onnx is not installed.
    """
    data, source = (to_bytes(model), model.name) if isinstance(model, Program) else read_model(model)
    count = load(data if isinstance(model, Program) else model).check_iterations(iterations)  # validates everything
    program = read(data)
    sizes = None if image_size is None else tensor_sizes(program, *_checked_size(image_size))
    names = _checked_outputs(outputs)
    if find_spec("onnx") is None:
        raise MissingDependencyError(f"{source}: exporting needs onnx, found none; pip install 'itrt[onnx]'")
    exported = unrolled(program, count, sizes, names)
    return with_copied_weights(exported) if copy_weights else exported


def write_onnx(
    model: Program | str | os.PathLike[str] | bytes,
    path: str | os.PathLike[str],
    iterations: int | None = None,
    image_size: Size | None = None,
    outputs: Sequence[Output] = OUTPUTS,
    copy_weights: bool = False,
) -> None:
    """Write what `to_onnx` returns, in one step.

    Raises, beside the errors of `to_onnx`, InvalidArgumentError for a path that does not end in ``.onnx`` and
    MissingFileError for a directory that is not there: both before any work.
    """
    target = check_target(path, _SUFFIX)
    write_atomically(target, to_onnx(model, iterations, image_size, outputs, copy_weights))


def _checked_size(size: Size) -> Size:
    if not isinstance(size, tuple | list) or len(size) != 2:
        raise InvalidArgumentError(f"image_size: expected (height, width) or None, found {size!r}")
    height, width = size
    return check_count("height", height, _MAX_EXTENT), check_count("width", width, _MAX_EXTENT)


def _checked_outputs(outputs: Sequence[Output]) -> list[str]:
    found = [outputs] if isinstance(outputs, str) else list(outputs)
    if not found or not set(found) <= set(OUTPUTS):
        raise InvalidArgumentError(f"outputs: expected labels, logits or both, found {outputs!r}")
    return [name for name in OUTPUTS if name in found]
