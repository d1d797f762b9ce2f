"""ADE20K as in the scene parsing benchmark (Zhou et al. 2017): 150 classes.

Names (the first of each class's synonyms) and colours in ``ade20k_classes.csv`` are the benchmark's:
``objectInfo150.txt`` and ``color150.mat``.
"""

import csv
from importlib import resources
from pathlib import Path

from itrt.train.data.layout import Layout
from itrt.train.data.pictures import Pair, Pixels, read_label
from itrt.train.data.segmentation import Colour

IGNORE_INDEX = 255

_FOLDERS = {"train": "training", "val": "validation"}


def _classes() -> tuple[tuple[str, ...], tuple[Colour, ...]]:
    text = (resources.files("itrt.train.data") / "ade20k_classes.csv").read_text()
    rows = list(csv.DictReader(text.splitlines()))
    colours = tuple((int(row["red"]), int(row["green"]), int(row["blue"])) for row in rows)
    return tuple(row["name"] for row in rows), colours


def _pairs(root: Path, split: str) -> list[Pair]:
    folder = _FOLDERS[split]
    images = sorted((root / "images" / folder).glob("*.jpg"))
    return [(image, root / "annotations" / folder / f"{image.stem}.png") for image in images]


def _decode(path: Path) -> Pixels:
    # 0 is everything else and 1 the first class: in uint8, 0 - 1 is 255, the ignored label.
    classes: Pixels = read_label(path) - 1
    return classes


CLASS_NAMES, PALETTE = _classes()
ADE20K = Layout(
    name="ade20k",
    title="ADE20K (scene parsing)",
    class_names=CLASS_NAMES,
    palette=PALETTE,
    ignore_index=IGNORE_INDEX,
    splits=("train", "val"),
    tree="""\
  {root}/                                          the directory ADEChallengeData2016
    images/training/ADE_train_00000001.jpg         images
    annotations/training/ADE_train_00000001.png    labels, 8-bit: 0 ignored, 1 to 150 the class
    images/validation/, annotations/validation/    the same""",
    markers=("images/training", "annotations/training"),
    list_pairs=_pairs,
    decode_label=_decode,
)
