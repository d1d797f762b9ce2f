"""Data sets by name or by what their directory looks like."""

from pathlib import Path

from itrt.errors import InvalidArgumentError, MissingFileError
from itrt.train.data.ade20k import ADE20K
from itrt.train.data.camvid import ORIGINAL, SEGNET
from itrt.train.data.cityscapes import CITYSCAPES
from itrt.train.data.layout import Directory, Layout, found_in
from itrt.train.data.pascal_voc import PASCAL_VOC
from itrt.train.data.segmentation import DataSource, SegmentationData
from itrt.train.data.synthetic import SyntheticScenes

LAYOUTS: tuple[Layout, ...] = (SEGNET, ORIGINAL, CITYSCAPES, PASCAL_VOC, ADE20K)
SYNTHETIC = "synthetic"


def open_source(data: str | Path, dataset: str | None = None) -> DataSource:
    """Return the data set in a directory, or the drawn scenes of `itrt.train.data.synthetic`.

    Parameters
    ----------
    data
        A directory, or "synthetic".
    dataset
        The layout's name: camvid, camvid-original, cityscapes, pascal-voc or ade20k. None: from the directory.

    Raises
    ------
    InvalidArgumentError
        If no layout has this name, or the directory looks like none or like several of them.
    MissingFileError
        If there is no such directory; the message shows the trees that were expected.
    """
    if str(data) == SYNTHETIC and dataset is None:
        return SyntheticScenes()
    root = Path(data)
    if dataset is not None:
        return Directory(_named(dataset), root)
    candidates = recognized(root)
    if len(candidates) > 1:
        names = ", ".join(layout.name for layout in candidates)
        raise InvalidArgumentError(f"{root}: expected one data set, found what may be {names}; name it with --dataset")
    if candidates:
        return Directory(candidates[0], root)
    trees = "\n".join(layout.expected(root) for layout in LAYOUTS)
    error = InvalidArgumentError if root.is_dir() else MissingFileError
    raise error(f"{root}: expected a directory in the layout of a known data set.\n{trees}\n{found_in(root)}")


def recognized(root: Path) -> list[Layout]:
    """The layouts that a directory looks like."""
    return [layout for layout in LAYOUTS if layout.recognizes(root)]


def load_data(data: str | Path, dataset: str | None = None) -> SegmentationData:
    """Open a data set (arguments and errors of `open_source`) and return its splits "train" and "val"."""
    source = open_source(data, dataset)
    return SegmentationData(
        source.split("train"), source.split("val"), source.class_names, source.palette, source.ignore_index
    )


def _named(name: str) -> Layout:
    for layout in LAYOUTS:
        if layout.name == name:
            return layout
    known = ", ".join(layout.name for layout in LAYOUTS)
    raise InvalidArgumentError(f"dataset: expected one of {known}, found {name}")
