"""PASCAL VOC 2012 (Everingham et al. 2015): 21 classes with background. Names and colours: the development kit's."""

from pathlib import Path

from itrt.errors import MissingFileError
from itrt.train.data.layout import Layout
from itrt.train.data.pictures import Pair, read_label
from itrt.train.data.segmentation import Colour

CLASS_NAMES: tuple[str, ...] = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip
IGNORE_INDEX = 255


def colour_of(index: int) -> Colour:
    """The development kit's colour of a class.

    Bits 0, 3 and 6 of the index are red's highest three, highest first; 1, 4 and 7 are green's; 2 and 5 blue's.
    """
    red, green, blue = (
        sum((index >> (3 * bit + channel) & 1) << (7 - bit) for bit in range(3)) for channel in range(3)
    )
    return red, green, blue


def _pairs(root: Path, split: str) -> list[Pair]:
    index = root / "ImageSets" / "Segmentation" / f"{split}.txt"
    if not index.is_file():
        raise MissingFileError(f"found no file {index}")
    names = index.read_text().split()
    return [(root / "JPEGImages" / f"{name}.jpg", root / "SegmentationClass" / f"{name}.png") for name in names]


PASCAL_VOC = Layout(
    name="pascal-voc",
    title="PASCAL VOC 2012",
    class_names=CLASS_NAMES,
    palette=tuple(colour_of(index) for index in range(len(CLASS_NAMES))),
    ignore_index=IGNORE_INDEX,
    splits=("train", "val", "trainval"),
    tree="""\
  {root}/                                  the directory VOCdevkit/VOC2012
    ImageSets/Segmentation/train.txt       names such as 2007_000032, one a line; val.txt, too
    JPEGImages/2007_000032.jpg             images
    SegmentationClass/2007_000032.png      labels, palette: 0 to 20 the class, 255 ignored""",
    markers=("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"),
    list_pairs=_pairs,
    decode_label=read_label,
)
