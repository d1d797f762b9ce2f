"""Training of iterative networks: data, augmentation, losses, the loop and its checkpoints.

Data sets need no torch: what does is imported when it is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from itrt.metrics import ConfusionMatrix
from itrt.train.data import ImageSet, SegmentationData, load_data
from itrt.train.data.synthetic import synthetic_data, synthetic_video, write_synthetic
from itrt.train.folds import leave_out, video_of
from itrt.train.recipe import Recipe

if TYPE_CHECKING:
    from itrt.train.checkpoint import Metadata, load_network, save_network
    from itrt.train.loop import EpochReport, StepReport, train
    from itrt.train.validation import evaluate

__all__ = [
    "ConfusionMatrix",
    "EpochReport",
    "ImageSet",
    "Metadata",
    "Recipe",
    "SegmentationData",
    "StepReport",
    "evaluate",
    "leave_out",
    "load_data",
    "load_network",
    "save_network",
    "synthetic_data",
    "synthetic_video",
    "train",
    "video_of",
    "write_synthetic",
]

_MODULES_WITH_TORCH = {
    "EpochReport": "loop",
    "Metadata": "checkpoint",
    "StepReport": "loop",
    "evaluate": "validation",
    "load_network": "checkpoint",
    "save_network": "checkpoint",
    "train": "loop",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES_WITH_TORCH:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"itrt.train.{_MODULES_WITH_TORCH[name]}"), name)
