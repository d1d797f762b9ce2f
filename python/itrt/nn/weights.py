"""Weights from files, and into networks: every difference is an error that names it, nothing is half loaded."""

import os
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from itrt.errors import CheckpointError, MissingDependencyError, MissingFileError

_LISTED = 10  # names of each kind in an error; the rest is counted
_NESTED = ("state_dict", "model", "weights")
_COUNTER = "num_batches_tracked"


def read_weights(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """Read a state dict, on the CPU.

    Parameters
    ----------
    path
        A file of ``torch.save``: a dictionary of tensors, or one that has it under "state_dict", "model" or "weights"
        (as ``itrt train`` writes it). Or, if its name ends in .safetensors and safetensors is installed, such a file.

    Raises
    ------
    MissingFileError
        If there is no such file.
    MissingDependencyError
        If safetensors is needed and not installed.
    CheckpointError
        If the file is truncated or foreign, holds Python objects beside tensors and plain data, or no dictionary of
        tensors.
    """
    content = read_safetensors(path) if Path(path).suffix == ".safetensors" else read_torch_file(path)
    candidates = [content, *(content[key] for key in _NESTED if key in content)] if isinstance(content, dict) else []
    for candidate in candidates:
        if _is_state_dict(candidate):
            return dict(candidate)
    keys = "the keys " + ", ".join(map(str, list(content)[:_LISTED])) if candidates else type(content).__name__
    nested = ", ".join(repr(key) for key in _NESTED)
    raise CheckpointError(f"{path}: expected a dictionary of tensors, or one under {nested}, found {keys}")


def read_torch_file(path: str | os.PathLike[str]) -> Any:
    """Read what ``torch.save`` wrote, if it is tensors and plain data; raises as `read_weights`."""
    _check_file(path)
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises whatever its zip reader and unpickler do: a dozen types
        raise _unreadable(path, error) from None


def read_safetensors(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """Read a file of safetensors; raises as `read_weights`."""
    _check_file(path)
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ImportError as error:
        raise MissingDependencyError(
            f"{path}: expected the package safetensors, found none; pip install safetensors"
        ) from error
    try:
        return dict(load_file(os.fspath(path)))
    except (SafetensorError, OSError) as error:
        raise _unreadable(path, error) from None


def load_weights(network: nn.Module, weights: Mapping[str, Tensor], *, source: str, ignore: Sequence[str] = ()) -> None:
    """Copy weights into a network: all of them, or none and one error with every difference.

    Parameters
    ----------
    network
        What to load into.
    weights
        Tensors by the names of ``network.state_dict()``. Counters of batches, which only training reads and older
        files lack, may be missing.
    source
        What errors call the weights, such as the file's name.
    ignore
        Patterns of names in ``weights`` to leave out, such as "aux_classifier.*".

    Raises
    ------
    CheckpointError
        If a name is missing or surplus, or a tensor has another shape or values that are not finite.
    """
    expected = network.state_dict()
    taken = {name: value for name, value in weights.items() if not _matches(name, ignore)}
    for name, value in expected.items():
        if name.rpartition(".")[2] == _COUNTER:
            taken.setdefault(name, value)
    found = [f"{len(names)} {kind}: {listed(names)}" for kind, names in _differences(expected, taken).items() if names]
    if found:
        raise CheckpointError(
            f"{source}: expected the weights of this {type(network).__name__}, found {'; '.join(found)}"
        )
    network.load_state_dict(taken)


def _differences(expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> dict[str, list[str]]:
    """Return the names that do not fit, by what is wrong with them."""
    both = {name: found[name] for name in expected if name in found}
    tensors = {name: value for name, value in both.items() if isinstance(value, Tensor)}
    return {
        "missing": [name for name in expected if name not in found],
        "surplus": [name for name in found if name not in expected],
        "no tensor": [name for name in both if name not in tensors],
        "of another shape": [
            f"{name} of shape {tuple(value.shape)} instead of {tuple(expected[name].shape)}"
            for name, value in tensors.items()
            if value.shape != expected[name].shape
        ],
        "with NaN or infinite values": not_finite(tensors),
    }


def not_finite(weights: Mapping[str, object]) -> list[str]:
    """Return the names of tensors with NaN or infinite values; a state dict may hold other things, too."""
    return [
        name
        for name, value in weights.items()
        if isinstance(value, Tensor) and value.is_floating_point() and not bool(torch.isfinite(value).all())
    ]


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def listed(names: Sequence[str]) -> str:
    """Return names for an error: the first ones, and how many more there are."""
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more


def _is_state_dict(content: Any) -> bool:
    return (
        isinstance(content, Mapping)
        and len(content) > 0
        and all(isinstance(name, str) and isinstance(value, Tensor) for name, value in content.items())
    )


def _check_file(path: str | os.PathLike[str]) -> None:
    if not Path(path).is_file():
        raise MissingFileError(f"{path}: expected a checkpoint, found no such file")


def _unreadable(path: str | os.PathLike[str], error: Exception) -> CheckpointError:
    reason = (str(error) or type(error).__name__).splitlines()[0]
    return CheckpointError(f"{path}: expected a checkpoint, found a truncated or foreign file ({reason})")
