"""Load a model: a packaged one by its name, a file, or bytes."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path

from itrt import _core
from itrt.arguments import check_count
from itrt.errors import InvalidArgumentError, MissingFileError, ModelFileError
from itrt.runtime import Model
from itrt.stripes import StripeChoice

_MODEL_SUFFIX = ".itrt"


def packaged_models() -> tuple[str, ...]:
    """The names of the models that come with the package."""
    directory = resources.files("itrt") / "models"
    if not directory.is_dir():
        return ()
    names = (entry.name for entry in directory.iterdir())
    return tuple(sorted(name.removesuffix(_MODEL_SUFFIX) for name in names if name.endswith(_MODEL_SUFFIX)))


def load(
    model: str | os.PathLike[str] | bytes,
    *,
    threads: int | None = None,
    isa: str | None = None,
    stripes: StripeChoice = None,
    hoist: bool | None = None,
) -> Model:
    """Load a model.

    Parameters
    ----------
    model
        The name of a packaged model (`packaged_models`), the path of an ``.itrt`` file, or a file's bytes.
    threads
        Threads of a run, 1 to 256. Default: ``ITRT_NUM_THREADS``, or else the CPUs that affinity and quota allow.
    isa
        The instruction set of the kernels (`itrt.kernels.list`). Default: ``ITRT_ISA``, or else the best of this CPU.
        The bytes of all results are the same on all of them.
    stripes
        Operators that run a few rows at a time (`Stripe`), which needs less memory; the bytes of all results are the
        same. "auto": those whose tensors leave the CPU's cache of level 2, in stripes that stay in it; none where the
        system does not tell its size. Default: none. `Model.taps` and `Model.profile` run without stripes.
    hoist
        Whether what a convolution of the block adds up in the same way in every iteration (its loop-invariant terms)
        is added up once, before the loop, and kept: faster, and a larger arena; the bytes of all results are the same.
        Default: where it pays. `Model.execution` tells where; `Model.taps` and `Model.profile` run without.

    Raises
    ------
    MissingFileError
        If there is neither a packaged model nor a file of this name.
    ModelFileError
        If the bytes are not a whole and valid model of this format version.
    InvalidArgumentError
        For a wrong thread count, instruction set or choice, or stripes that the program cannot run: unknown operators,
        less than a row, an operator in two of them, or a fused operator without its addition.
    """
    count = _core.default_threads() if threads is None else check_count("threads", threads, _core.max_threads)
    if isa is not None and not isinstance(isa, str):
        raise InvalidArgumentError(f"isa: expected a name (itrt.kernels.list) or None, found {isa!r}")
    if hoist is not None and not isinstance(hoist, bool):
        raise InvalidArgumentError(f"hoist: expected True, False or None, found {hoist!r}")
    data, source = read_model(model)
    try:
        return Model(_core.Program(data, isa, hoist), count, len(data), stripes)
    except ModelFileError as error:
        raise ModelFileError(f"{source}: {error}") from error


def read_model(model: str | os.PathLike[str] | bytes) -> tuple[bytes, str]:
    """Return a model's bytes, not validated, and what to call it in messages; arguments and errors as for `load`."""
    if isinstance(model, bytes | bytearray | memoryview):
        return bytes(model), "model from bytes"
    if not isinstance(model, str | os.PathLike):
        raise InvalidArgumentError(f"model: expected a name, a path or bytes, found {type(model).__name__}")
    if isinstance(model, str) and model in packaged_models():
        return (resources.files("itrt") / "models" / (model + _MODEL_SUFFIX)).read_bytes(), model
    path = Path(model)
    if not path.is_file():
        known = ", ".join(packaged_models()) or "none"
        raise MissingFileError(f"model {model!s}: expected a file or a packaged model ({known}), found neither")
    return path.read_bytes(), str(path)
