"""Checkpoints: one dictionary in torch's own format, readable with ``torch.load(weights_only=True)``.

A *network file* holds weights, network settings and metadata: all that a converter needs. A *checkpoint* is a network
file with the state of a training in it, too. Of a network that was prepared for quantization-aware training, both also
hold the weights of its origin, the float network that it was prepared from.
"""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar, overload

import torch
from torch import Tensor, nn

from itrt.errors import CheckpointError, InvalidArgumentError
from itrt.nn import AnytimeNetwork, ItNet, ItNetSettings, load_weights
from itrt.nn.weights import read_torch_file
from itrt.train.data import Colour

FORMAT = "itrt-checkpoint"
VERSION = 1

Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True)
class Metadata:
    """What a user of the weights has to know.

    Parameters
    ----------
    class_names, palette, ignore_index
        As in the data that the network was trained on.
    mean, standard_deviation
        Per channel RGB, on the 0..1 scale.
    recipe
        The settings of the training, by name.
    epoch
        Completed epochs.
    validation_miou
        Mean intersection over union after each iteration; empty if not measured after this epoch.
    """

    class_names: tuple[str, ...]
    palette: tuple[Colour, ...]
    ignore_index: int
    mean: tuple[float, float, float]
    standard_deviation: tuple[float, float, float]
    recipe: Mapping[str, Any] = field(default_factory=dict)
    epoch: int = 0
    validation_miou: tuple[float, ...] = ()


@dataclass(frozen=True)
class PreparedCheckpoint:
    """What quantization-aware training leaves: prepare the origin again, and load the weights into that."""

    origin: nn.Module
    weights: Mapping[str, Tensor]
    metadata: Metadata


def save_network(
    path: str | Path, network: AnytimeNetwork, metadata: Metadata, training: Mapping[str, Any] | None = None
) -> None:
    """Write a network file, or a checkpoint if ``training`` is given; the file appears whole or not at all."""
    described = network.origin or network
    content = {
        "format": FORMAT,
        "version": VERSION,
        "network": {
            "class": type(described).__name__,
            "settings": asdict(described.settings) if isinstance(described, ItNet) else None,
        },
        "weights": _weights(network),
        "origin": None if network.origin is None else _weights(network.origin),
        "metadata": asdict(metadata),
        "training": None if training is None else dict(training),
    }
    path = Path(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        torch.save(content, beside)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


@overload
def load_network(path: str | Path) -> tuple[ItNet, Metadata]: ...
@overload
def load_network(path: str | Path, network: Network) -> tuple[Network, Metadata]: ...
def load_network(path: str | Path, network: nn.Module | None = None) -> tuple[nn.Module, Metadata]:
    """Read the network of a network file or a checkpoint, on the CPU, in evaluation mode.

    Parameters
    ----------
    path
        The file.
    network
        The network to load the weights into; None: an ``ItNet`` is built from the settings in the file.

    Raises
    ------
    MissingFileError
        If there is no such file.
    CheckpointError
        If the file is truncated, foreign, of another version or of another network.
    """
    content = read_checkpoint(path)
    if content.get("origin") is not None:
        raise CheckpointError(
            f"{path}: expected a network in float, found one of quantization-aware training; itrt convert takes it"
        )
    return _loaded(path, content, content["weights"], network), read_metadata(path, content)


def load_prepared(path: str | Path, network: nn.Module | None = None) -> PreparedCheckpoint | None:
    """Read a file of quantization-aware training; None if it holds a network in float. Raises as ``load_network``.

    Parameters
    ----------
    path
        The file.
    network
        What to load the origin's weights into; None: an ``ItNet`` is built from the settings in the file.
    """
    content = read_checkpoint(path)
    if content.get("origin") is None:
        return None
    origin = _loaded(path, content, content["origin"], network)
    return PreparedCheckpoint(origin, content["weights"], read_metadata(path, content))


def _loaded(
    path: str | Path, content: Mapping[str, Any], weights: Mapping[str, Tensor], network: nn.Module | None
) -> nn.Module:
    """Return the network, or an ``ItNet`` of the settings in the file, with the weights, in evaluation mode."""
    if network is None:
        network = _build_itnet(path, content["network"])
    load_weights(network, weights, source=os.fspath(path))
    return network.eval()


def _weights(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().cpu() for name, value in network.state_dict().items()}


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """Read and check the outermost dictionary of a network file or checkpoint; raise as ``load_network``."""
    content = read_torch_file(path)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise CheckpointError(f"{path}: expected a checkpoint written by itrt, found another file of torch.save")
    if content.get("version") != VERSION:
        raise CheckpointError(f"{path}: expected checkpoint version {VERSION}, found {content.get('version')}")
    for key in ("network", "weights", "metadata"):
        if not isinstance(content.get(key), dict):
            raise CheckpointError(f"{path}: expected a dictionary {key!r}, found {type(content.get(key)).__name__}")
    return content


def read_metadata(path: str | Path, content: Mapping[str, Any]) -> Metadata:
    """Return the metadata of ``read_checkpoint``; raise CheckpointError if a field is missing or unknown."""
    try:
        return Metadata(**content["metadata"])
    except TypeError as error:
        raise CheckpointError(f"{path}: expected the metadata of a network, found other fields ({error})") from None


def _build_itnet(path: str | Path, network: Mapping[str, Any]) -> ItNet:
    if network.get("class") != "ItNet":
        raise CheckpointError(
            f"{path}: expected an ItNet, found a {network.get('class')}; "
            "pass a network of that class to load its weights into"
        )
    try:
        return ItNet(ItNetSettings(**network["settings"]))
    except (KeyError, TypeError, InvalidArgumentError) as error:
        raise CheckpointError(f"{path}: expected the settings of an ItNet, found others ({error})") from None
