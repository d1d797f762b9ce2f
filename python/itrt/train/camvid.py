"""CamVid (Brostow, Fauqueur, Cipolla 2009) in the layout of the SegNet tutorial: 11 classes, 11 = ignored."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage

from itrt.errors import InvalidArgumentError, MissingFileError
from itrt.train.data import Colour, Image, ImageSet, SegmentationData, check_label_values

CLASS_NAMES: tuple[str, ...] = (
    "sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian", "bicyclist",
)  # fmt: skip
PALETTE: tuple[Colour, ...] = (
    (128, 128, 128), (128, 0, 0), (192, 192, 128), (128, 64, 128), (60, 40, 222), (128, 128, 0),
    (192, 128, 128), (64, 64, 128), (64, 0, 128), (64, 64, 0), (0, 128, 192),
)  # fmt: skip
IGNORE_INDEX = 11

LAYOUT = """\
  {root}/
    train.txt            lines such as: train/0001TP_006690.png trainannot/0001TP_006690.png
    train/*.png          images, RGB
    trainannot/*.png     labels, 8-bit: 0 to 10 the class, 11 ignored
    val.txt, val/, valannot/   the same"""


def load_camvid(directory: str | Path) -> SegmentationData:
    """Decode the train and val images and labels of a directory in the SegNet layout (about 250 MB of RAM).

    Raises
    ------
    MissingFileError
        If a file is missing; the message shows the expected tree.
    InvalidArgumentError
        If a line of a list, an image or a label is malformed.
    """
    root = Path(directory)
    pairs = {split: list_pairs(root, split) for split in ("train", "val")}
    sets = {split: ImageSet(*_decode(pairs[split])) for split in pairs}
    return SegmentationData(sets["train"], sets["val"], CLASS_NAMES, PALETTE, IGNORE_INDEX)


def load_split(directory: str | Path, split: str) -> ImageSet:
    """Decode one split alone ("train", "val" or "test"), its labels checked; raise as ``load_camvid``."""
    images = ImageSet(*_decode(list_pairs(Path(directory), split)))
    check_label_values(split, images, len(CLASS_NAMES), IGNORE_INDEX)
    return images


def list_pairs(root: Path, split: str) -> list[tuple[Path, Path]]:
    """Return (image, label) paths of a split, all of them existing; raise as ``load_camvid``."""
    index = root / f"{split}.txt"
    if not index.is_file():
        raise MissingFileError(_wrong_layout(root, f"no file {index}"))
    pairs = []
    for number, line in enumerate(index.read_text().splitlines(), start=1):
        names = line.split()
        if not names:
            continue
        if len(names) != 2:
            raise InvalidArgumentError(
                _wrong_layout(root, f"{index}, line {number}: expected an image and a label, found {line!r}")
            )
        image, label = (_resolve(root, name) for name in names)
        for path in (image, label):
            if not path.is_file():
                raise MissingFileError(_wrong_layout(root, f"{index}, line {number}: no file {path}"))
        pairs.append((image, label))
    if not pairs:
        raise InvalidArgumentError(_wrong_layout(root, f"{index} is empty"))
    return pairs


def _resolve(root: Path, name: str) -> Path:
    # The tutorial's own lists say /SegNet/CamVid/train/x.png: its last two parts are what counts.
    return root.joinpath(*Path(name).parts[-2:])


def _wrong_layout(root: Path, found: str) -> str:
    return f"{root}: expected CamVid in the SegNet layout, found {found}. Expected:\n{LAYOUT.format(root=root)}"


def _decode(pairs: Sequence[tuple[Path, Path]]) -> tuple[list[Image], list[Image], list[str]]:
    images = [_read(image, "RGB") for image, _ in pairs]
    labels = [_read(label, None) for _, label in pairs]
    for (_, path), label in zip(pairs, labels, strict=True):
        if label.ndim != 2:
            raise InvalidArgumentError(f"{path}: expected a label with one channel, found {label.shape[2]} channels")
    return images, labels, [image.name for image, _ in pairs]


def _read(path: Path, mode: str | None) -> Image:
    try:
        with PillowImage.open(path) as picture:
            # A palette label holds class indices: converting its mode would turn them into grey levels.
            return np.array(picture.convert(mode) if mode else picture, dtype=np.uint8)
    except (OSError, SyntaxError) as error:
        raise InvalidArgumentError(f"{path}: expected a PNG image, found an undecodable file: {error}") from None
