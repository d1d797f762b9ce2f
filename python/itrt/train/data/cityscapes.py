"""Cityscapes (Cordts et al. 2016, arXiv 1604.01685): 19 classes.

Names, colours and ids are those of cityscapesScripts, ``labels.py``.
"""

from pathlib import Path

import numpy as np

from itrt.train.data.layout import Layout
from itrt.train.data.pictures import Pair, Pixels, read_label
from itrt.train.data.segmentation import Colour

# Label id, name and colour of the classes that are evaluated, in the order of their train ids.
_CLASSES: tuple[tuple[int, str, Colour], ...] = (
    (7, "road", (128, 64, 128)),
    (8, "sidewalk", (244, 35, 232)),
    (11, "building", (70, 70, 70)),
    (12, "wall", (102, 102, 156)),
    (13, "fence", (190, 153, 153)),
    (17, "pole", (153, 153, 153)),
    (19, "traffic light", (250, 170, 30)),
    (20, "traffic sign", (220, 220, 0)),
    (21, "vegetation", (107, 142, 35)),
    (22, "terrain", (152, 251, 152)),
    (23, "sky", (70, 130, 180)),
    (24, "person", (220, 20, 60)),
    (25, "rider", (255, 0, 0)),
    (26, "car", (0, 0, 142)),
    (27, "truck", (0, 0, 70)),
    (28, "bus", (0, 60, 100)),
    (31, "train", (0, 80, 100)),
    (32, "motorcycle", (0, 0, 230)),
    (33, "bicycle", (119, 11, 32)),
)
IGNORE_INDEX = 255

_TRAIN_IDS = np.full(256, 254, np.uint8)  # no label id: refused when the values are checked
_TRAIN_IDS[[*range(34), 255]] = IGNORE_INDEX  # 255 is -1, a licence plate
_TRAIN_IDS[[label for label, _, _ in _CLASSES]] = np.arange(len(_CLASSES))


def _pairs(root: Path, split: str) -> list[Pair]:
    images = sorted((root / "leftImg8bit" / split).glob("*/*_leftImg8bit.png"))
    return [(image, _label_of(root, split, image)) for image in images]


def _label_of(root: Path, split: str, image: Path) -> Path:
    name = image.name.replace("_leftImg8bit.png", "_gtFine_labelIds.png")
    return root / "gtFine" / split / image.parent.name / name


def _decode(path: Path) -> Pixels:
    return _TRAIN_IDS[read_label(path)]


CITYSCAPES = Layout(
    name="cityscapes",
    title="Cityscapes",
    class_names=tuple(name for _, name, _ in _CLASSES),
    palette=tuple(colour for _, _, colour in _CLASSES),
    ignore_index=IGNORE_INDEX,
    splits=("train", "val"),  # the test split's labels are not public
    tree="""\
  {root}/
    leftImg8bit/train/aachen/aachen_000000_000019_leftImg8bit.png     images, RGB; a directory a city
    gtFine/train/aachen/aachen_000000_000019_gtFine_labelIds.png      labels, 8-bit: 0 to 33, the label's id
    leftImg8bit/val/, gtFine/val/                                     the same""",
    markers=("leftImg8bit", "gtFine"),
    list_pairs=_pairs,
    decode_label=_decode,
)
