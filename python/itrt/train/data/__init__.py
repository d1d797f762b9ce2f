"""Data sets: directories in the layouts of CamVid, Cityscapes, PASCAL VOC and ADE20K, and drawn street scenes."""

from itrt.train.data.segmentation import Colour, DataSource, Image, ImageSet, SegmentationData
from itrt.train.data.sources import LAYOUTS, SYNTHETIC, load_data, open_source, recognized

__all__ = [
    "LAYOUTS",
    "SYNTHETIC",
    "Colour",
    "DataSource",
    "Image",
    "ImageSet",
    "SegmentationData",
    "load_data",
    "open_source",
    "recognized",
]
