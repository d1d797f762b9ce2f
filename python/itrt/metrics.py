"""Intersection over union from a confusion matrix."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


class ConfusionMatrix:
    """Counts pixels by (label, prediction), over any number of images.

    Attributes
    ----------
    counts
        int64 (classes, classes): row = label, column = prediction.
    """

    def __init__(self, classes: int, ignore_index: int) -> None:
        self.classes = classes
        self.ignore_index = ignore_index
        self.counts = np.zeros((classes, classes), np.int64)

    def update(self, predictions: NDArray[np.integer[Any]], labels: NDArray[np.integer[Any]]) -> None:
        """Add images: two arrays of one shape; values are in 0 .. classes - 1, or the ignored label."""
        counted = labels != self.ignore_index
        index = labels[counted].astype(np.int64) * self.classes + predictions[counted]
        self.counts += np.bincount(index, minlength=self.classes**2).reshape(self.counts.shape)

    def iou(self) -> NDArray[np.float64]:
        """Return the intersection over union of each class, float64 (classes,); NaN for one that never occurs."""
        hits = np.diagonal(self.counts)
        union = self.counts.sum(axis=0) + self.counts.sum(axis=1) - hits
        iou = np.full(self.classes, np.nan)
        np.divide(hits, union, out=iou, where=union > 0)
        return iou

    def mean_iou(self) -> float:
        """Return the mean over the classes that occur in labels or predictions; NaN if none does."""
        iou = self.iou()
        occurs = ~np.isnan(iou)
        return float(iou[occurs].mean()) if occurs.any() else float("nan")
