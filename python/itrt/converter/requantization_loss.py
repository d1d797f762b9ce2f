"""What integer requantization costs beside a float scale: two parity reports of one network, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from itrt.converter.parity import ParityReport
    from itrt.quantize import Requantization


@dataclass(frozen=True)
class IterationLoss:
    """After ``iteration`` iterations (from 1): the chosen and the float requantization, against the float network.

    The signal-to-noise ratio of the logits in dB, and the share of labels equal to the float network's.
    """

    iteration: int
    snr_db: float
    snr_db_with_float: float
    equal_labels: float
    equal_labels_with_float: float


@dataclass(frozen=True)
class RequantizationLoss:
    """The loss of a requantization, over the images of the parity report."""

    requantization: Requantization
    iterations: tuple[IterationLoss, ...]


def requantization_loss(
    requantization: Requantization, report: ParityReport, report_with_float: ParityReport, logits: str
) -> RequantizationLoss:
    """Compare the reports of two conversions that differ in their requantization; ``logits`` names that tensor."""
    ratios, ratios_with_float = (
        [row.snr_db for row in each.tensors if row.tensor == logits] for each in (report, report_with_float)
    )
    rows = zip(report.iterations, report_with_float.iterations, ratios, ratios_with_float, strict=True)
    return RequantizationLoss(
        requantization,
        tuple(
            IterationLoss(row.iteration, ratio, ratio_with_float, row.equal_labels, row_with_float.equal_labels)
            for row, row_with_float, ratio, ratio_with_float in rows
        ),
    )
