"""What a run of tools/folds.py is worth on its left-out video, in float and in int8; measured once, kept beside it."""

import csv
import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from itrt import load
from itrt.cli.calibration import CALIBRATION_IMAGES
from itrt.cli.evaluation import evaluate as evaluate_int8
from itrt.converter import convert_checkpoint
from itrt.converter.calibration_set import choose
from itrt.files import write_atomically
from itrt.train import ImageSet, SegmentationData, evaluate, load_network


@dataclass(frozen=True)
class Score:
    """What a finished run is worth.

    Parameters
    ----------
    measured
        Which network on which images, as a SHA-256 digest.
    mean_iou, int8_mean_iou
        After each iteration, 0..1.
    iou
        Float's of each class after the last iteration; NaN for one that never occurs.
    epochs, hours
        What the training took.
    """

    measured: str
    mean_iou: tuple[float, ...]
    int8_mean_iou: tuple[float, ...]
    iou: tuple[float, ...]
    epochs: int
    hours: float

    @property
    def columns(self) -> tuple[float, ...]:
        """Float after each iteration, int8 after the last, and how much more that is."""
        return (*self.mean_iou, self.int8_mean_iou[-1], self.int8_mean_iou[-1] - self.mean_iou[-1])


def measure(directory: Path, fold: SegmentationData) -> Score:
    """Return what a finished run's network is worth on a fold's validation images.

    The directory gets ``network.itrt``, calibrated with training images of the fold, and ``score.json``, which is read
    the next time if network and images still are those. After a change of the converter, remove it.
    """
    network, metadata = load_network(directory / "network.pt")
    digest = _digest(network, fold.validation)
    kept = _read(directory / "score.json")
    if kept is not None and kept.measured == digest:
        return kept
    matrices = evaluate(
        network, fold.validation, len(fold.class_names), fold.ignore_index,
        metadata.mean, metadata.standard_deviation, torch.device("cpu"),
    )  # fmt: skip
    score = Score(
        measured=digest,
        mean_iou=tuple(matrix.mean_iou() for matrix in matrices),
        int8_mean_iou=_int8_mean_iou(directory, fold),
        iou=tuple(matrices[-1].iou().tolist()),
        epochs=metadata.epoch,
        hours=_hours(directory / "log.csv"),
    )
    write_atomically(directory / "score.json", (json.dumps(asdict(score), indent=1) + "\n").encode())
    return score


def _int8_mean_iou(directory: Path, fold: SegmentationData) -> tuple[float, ...]:
    model = directory / "network.itrt"
    chosen = fold.train.take(choose(range(len(fold.train)), CALIBRATION_IMAGES))
    convert_checkpoint(directory / "network.pt", model, calibration=chosen.images)
    scores = evaluate_int8(load(model), fold.validation, fold.ignore_index).scores
    return tuple(float("nan") if each.mean_iou is None else each.mean_iou for each in scores)


def _hours(log: Path) -> float:
    with log.open(newline="") as file:
        return sum(float(row["seconds"]) for row in csv.DictReader(file)) / 3600


def _digest(network: nn.Module, images: ImageSet) -> str:
    digest = hashlib.sha256()
    for array in (*(value.numpy() for value in network.state_dict().values()), *images.images, *images.labels):
        digest.update(repr(array.shape).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _read(file: Path) -> Score | None:
    if not file.is_file():
        return None
    plain: dict[str, Any] = json.loads(file.read_bytes())
    return Score(**plain | {name: tuple(value) for name, value in plain.items() if isinstance(value, list)})
