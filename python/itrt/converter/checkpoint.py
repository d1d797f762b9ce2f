"""Converts a training checkpoint: classes, palette, mean and std come from its metadata."""

from __future__ import annotations

import os
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from torch import nn

from itrt.converter.convert import DEFAULT_OBSERVER, Conversion, Progress, convert
from itrt.converter.variants import Choice
from itrt.files import check_target
from itrt.quantize import ObserverKind


def convert_checkpoint(
    checkpoint: str | os.PathLike[str],
    path: str | os.PathLike[str],
    *,
    calibration: Iterable[NDArray[np.uint8]],
    network: nn.Module | None = None,
    observer: ObserverKind = DEFAULT_OBSERVER,
    equalize: Choice = "auto",
    correct_bias: Choice = "auto",
    labels: Iterable[NDArray[np.generic]] | None = None,
    name: str | None = None,
    parity_images: int = 8,
    progress: Progress | None = None,
) -> Conversion:
    """Convert the network in a checkpoint or network file of ``itrt train``; see `convert` for the other arguments.

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
    from itrt.train.checkpoint import load_network  # the one thing of itrt.train that conversion needs

    check_target(path)
    file = os.fspath(checkpoint)
    trained, metadata = load_network(file) if network is None else load_network(file, network)
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
        labels=labels,
        parity_images=parity_images,
        progress=progress,
        metadata={"trained_epochs": str(metadata.epoch)},
    )
