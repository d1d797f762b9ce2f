"""Converts a training checkpoint: classes, palette, mean and std come from its metadata."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch import nn

from itrt.converter.convert import DEFAULT_OBSERVER, Conversion, Progress, convert
from itrt.converter.fake_quantization.prepare import prepare
from itrt.converter.variants import Choice
from itrt.files import check_target
from itrt.nn import load_weights
from itrt.quantize import ObserverKind, Requantization

if TYPE_CHECKING:
    from itrt.train import Metadata


def convert_checkpoint(
    checkpoint: str | os.PathLike[str],
    path: str | os.PathLike[str],
    *,
    calibration: Iterable[NDArray[np.uint8]] | None = None,
    network: nn.Module | None = None,
    observer: ObserverKind = DEFAULT_OBSERVER,
    equalize: Choice = "auto",
    correct_bias: Choice = "auto",
    requantize: Requantization = "float",
    labels: Iterable[NDArray[np.generic]] | None = None,
    name: str | None = None,
    parity_images: int = 8,
    progress: Progress | None = None,
) -> Conversion:
    """Convert the network in a checkpoint or network file of ``itrt train``; see `convert` for the other arguments.

    That of a quantization-aware training (``itrt train --quantized``) needs no calibration.

    Parameters
    ----------
    network
        What to load the weights into; None: the ItNet of the settings in the file.

    Raises
    ------
    MissingFileError
        If there is no such checkpoint.
    CheckpointError
        If it is truncated, foreign or of another network.
    InvalidArgumentError, ConversionError
        As `convert`.
    """
    check_target(path)
    file = os.fspath(checkpoint)
    trained, metadata = _load(file, network)
    return convert(
        trained,
        path,
        calibration=calibration,
        mean=metadata.mean,
        std=metadata.standard_deviation,
        classes=metadata.class_names,
        palette=metadata.palette,
        name=name,
        observer=observer,
        equalize=equalize,
        correct_bias=correct_bias,
        requantize=requantize,
        labels=labels,
        parity_images=parity_images,
        progress=progress,
        metadata={"trained_epochs": str(metadata.epoch)},
    )


def _load(file: str, network: nn.Module | None) -> tuple[nn.Module, Metadata]:
    """Return the network in a file, ready to be converted."""
    from itrt.train.checkpoint import load_network, load_prepared  # all of itrt.train that conversion needs

    prepared = load_prepared(file, network)
    if prepared is None:
        return load_network(file) if network is None else load_network(file, network)
    metadata = prepared.metadata
    made = prepare(prepared.origin, calibration=None, mean=metadata.mean, std=metadata.standard_deviation)
    load_weights(made, prepared.weights, source=file)
    return made, metadata
