"""CamVid (Brostow, Fauqueur, Cipolla 2009): the SegNet tutorial's copy, 11 classes, and the original, 32 colours.

Names and colours of the 11 classes are the SegNet tutorial's (arXiv 1511.00561), the 32 colours the original's
(``label_colors.txt``). Which of the 32 make up one of the 11 is the grouping in common use with SegNet's 11 classes.
"""

import re
from pathlib import Path

import numpy as np

from itrt.errors import InvalidArgumentError, MissingFileError
from itrt.train.data.layout import Layout
from itrt.train.data.pictures import Pair, Pixels, read_label
from itrt.train.data.segmentation import Colour

CLASS_NAMES: tuple[str, ...] = (
    "sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian", "bicyclist",
)  # fmt: skip
PALETTE: tuple[Colour, ...] = (
    (128, 128, 128), (128, 0, 0), (192, 192, 128), (128, 64, 128), (60, 40, 222), (128, 128, 0),
    (192, 128, 128), (64, 64, 128), (64, 0, 128), (64, 64, 0), (0, 128, 192),
)  # fmt: skip
IGNORE_INDEX = 11

# The original's colours by class: its own names are Void alone for the ignored ones, and, in this order:
ORIGINAL_COLOURS: dict[str, tuple[Colour, ...]] = {
    "sky": ((128, 128, 128),),
    # Bridge, Building, Wall, Tunnel, Archway
    "building": ((0, 128, 64), (128, 0, 0), (64, 192, 0), (64, 0, 64), (192, 0, 128)),
    # Column_Pole, TrafficCone
    "pole": ((192, 192, 128), (0, 0, 64)),
    # Road, LaneMkgsDriv, LaneMkgsNonDriv
    "road": ((128, 64, 128), (128, 0, 192), (192, 0, 64)),
    # Sidewalk, ParkingBlock, RoadShoulder
    "pavement": ((0, 0, 192), (64, 192, 128), (128, 128, 192)),
    # Tree, VegetationMisc
    "tree": ((128, 128, 0), (192, 192, 0)),
    # SignSymbol, Misc_Text, TrafficLight
    "sign": ((192, 128, 128), (128, 128, 64), (0, 64, 64)),
    "fence": ((64, 64, 128),),
    # Car, SUVPickupTruck, Truck_Bus, Train, OtherMoving
    "car": ((64, 0, 128), (64, 128, 192), (192, 128, 192), (192, 64, 128), (128, 64, 64)),
    # Pedestrian, Child, CartLuggagePram, Animal
    "pedestrian": ((64, 64, 0), (192, 128, 64), (64, 0, 192), (64, 128, 64)),
    # Bicyclist, MotorcycleScooter
    "bicyclist": ((0, 128, 192), (192, 0, 192)),
}
VOID: Colour = (0, 0, 0)

_IMAGES, _LABELS = "701_StillsRaw_full", "LabeledApproved_full"


def _segnet_pairs(root: Path, split: str) -> list[Pair]:
    index = root / f"{split}.txt"
    if not index.is_file():
        raise MissingFileError(f"found no file {index}")
    pairs = []
    for number, line in enumerate(index.read_text().splitlines(), start=1):
        names = line.split()
        if not names:
            continue
        if len(names) != 2:
            raise InvalidArgumentError(f"{index}, line {number}: expected an image and a label, found {line!r}")
        # The tutorial's own lists say /SegNet/CamVid/train/x.png: its last two parts are what counts.
        image, label = (root.joinpath(*Path(name).parts[-2:]) for name in names)
        pairs.append((image, label))
    if not pairs:
        raise InvalidArgumentError(f"{index} is empty")
    return pairs


def split_of(name: str) -> str:
    """Return the SegNet tutorial's split of one of the original's images, by its file name.

    Test is the video Seq05VD and the second half of 0001TP; val is 15 frames a second of 0016E5; train is the rest.
    """
    match = re.match(r"(0001TP|0016E5)_(\d+)", name)
    if name.startswith("Seq05VD"):
        return "test"
    if match and match[1] == "0001TP" and int(match[2]) > 8520:
        return "test"
    if match and match[1] == "0016E5" and 7959 <= int(match[2]) <= 8159:
        return "val"
    return "train"


def _original_pairs(root: Path, split: str) -> list[Pair]:
    images = sorted(path for path in (root / _IMAGES).glob("*.png") if split_of(path.name) == split)
    return [(image, root / _LABELS / f"{image.stem}_L.png") for image in images]


def _packed(colours: Pixels) -> np.ndarray[tuple[int, ...], np.dtype[np.int32]]:
    """One number a colour."""
    red, green, blue = (colours[..., channel].astype(np.int32) for channel in range(3))
    return (red << 16) | (green << 8) | blue


def _colour_table() -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.int32]], Pixels]:
    """All known colours, packed and sorted, and their classes."""
    entries = [(colour, CLASS_NAMES.index(name)) for name, group in ORIGINAL_COLOURS.items() for colour in group]
    entries.append((VOID, IGNORE_INDEX))
    packed = _packed(np.array([colour for colour, _ in entries], np.uint8))
    order = np.argsort(packed)
    return packed[order], np.array([index for _, index in entries], np.uint8)[order]


_COLOURS, _CLASSES = _colour_table()


def _decode_colours(path: Path) -> Pixels:
    packed = _packed(read_label(path, channels=3))
    place = np.minimum(np.searchsorted(_COLOURS, packed), len(_COLOURS) - 1)
    unknown = _COLOURS[place] != packed
    if unknown.any():
        row, column = np.argwhere(unknown)[0]
        value = int(packed[row, column])
        raise InvalidArgumentError(
            f"label {path}: expected one of CamVid's 32 colours, found {(value >> 16, value >> 8 & 255, value & 255)} "
            f"at row {row}, column {column}"
        )
    return _CLASSES[place]


SEGNET = Layout(
    name="camvid",
    title="CamVid in the SegNet layout",
    class_names=CLASS_NAMES,
    palette=PALETTE,
    ignore_index=IGNORE_INDEX,
    splits=("train", "val", "test"),
    tree="""\
  {root}/
    train.txt            lines such as: train/0001TP_006690.png trainannot/0001TP_006690.png
    train/*.png          images, RGB
    trainannot/*.png     labels, 8-bit: 0 to 10 the class, 11 ignored
    val.txt, val/, valannot/   the same; test, too, if there is one""",
    markers=("train.txt", "trainannot"),
    list_pairs=_segnet_pairs,
    decode_label=read_label,
)
ORIGINAL = Layout(
    name="camvid-original",
    title="the original CamVid",
    class_names=CLASS_NAMES,
    palette=PALETTE,
    ignore_index=IGNORE_INDEX,
    splits=("train", "val", "test"),
    tree=f"""\
  {{root}}/
    {_IMAGES}/*.png        701 images, such as 0001TP_006690.png
    {_LABELS}/*.png      labels in 32 colours, such as 0001TP_006690_L.png""",
    markers=(_IMAGES, _LABELS),
    list_pairs=_original_pairs,
    decode_label=_decode_colours,
)
