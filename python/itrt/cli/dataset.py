"""The options ``--data`` and ``--dataset`` of several commands; the names are those of `itrt.train.data.LAYOUTS`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from itrt import Model
from itrt.errors import InvalidArgumentError

if TYPE_CHECKING:
    from itrt.train.data import DataSource

DATA_HELP = "A data set's directory, or synthetic: drawn street scenes."
DATASET_HELP = "camvid, camvid-original, cityscapes, pascal-voc or ade20k. [default: as the directory looks]"


def check_classes(model: Model, source: DataSource) -> None:
    """Raise InvalidArgumentError if a model does not have as many classes as a data set."""
    if len(model.classes) != len(source.class_names):
        raise InvalidArgumentError(
            f"model {model.name}: expected the {len(source.class_names)} classes of {source.title}, "
            f"found {len(model.classes)}"
        )
