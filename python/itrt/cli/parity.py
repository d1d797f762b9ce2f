"""The converter's parity report as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from itrt.cli.console import output, table
from itrt.text import decibel

if TYPE_CHECKING:
    from rich.table import Table

    from itrt.converter import ParityReport
    from itrt.converter.requantization_loss import RequantizationLoss


def print_parity(report: ParityReport) -> None:
    """Print the signal-to-noise ratio of every tensor, the agreement of labels, and the converter's notes."""
    console = output()
    steps = sorted({row.step for row in report.tensors if row.step is not None})
    headings = ["stem", *(str(step + 1) for step in steps)]
    ratios = table(
        "tensor", *headings, numbers=headings, title="signal to noise, dB, after the stem and in each iteration"
    )
    cells = {(row.tensor, row.step): decibel(row.snr_db) for row in report.tensors}
    for tensor in dict.fromkeys(row.tensor for row in report.tensors):
        ratios.add_row(tensor, *(cells.get((tensor, step), "") for step in (None, *steps)))
    headings = ["iteration", "equal labels", "float mIoU", "int8 mIoU"]
    labels = table(*headings, numbers=headings, title=f"labels, {report.images} calibration images")
    for row in report.iterations:
        labels.add_row(f"{row.iteration}", f"{row.equal_labels:.4f}", _number(row.float_miou), _number(row.int8_miou))
    console.print(ratios)
    console.print(labels)
    if report.variants:
        console.print(_variants(report))
    if report.requantization is not None:
        console.print(_requantization_table(report.requantization))
    for note in report.notes:
        console.print(f"note: {note}")


def _variants(report: ParityReport) -> Table:
    """What equalization and bias correction bring."""
    rows = table("equalized", "bias corrected", "logits, dB", "", numbers=["logits, dB"], title="ways to quantize")
    for row in report.variants:
        words = ("yes" if done else "no" for done in (row.equalized, row.bias_corrected))
        rows.add_row(*words, f"{row.snr_db:.2f}", "kept" if row.chosen else "")
    return rows


def _requantization_table(loss: RequantizationLoss) -> Table:
    headings = ["iteration"]
    for quantity in ("logits, dB", "equal labels"):
        headings += [f"{quantity}: {loss.requantization}", "float"]
    rows = table(*headings, numbers=headings, title=f"{loss.requantization} beside float requantization")
    for row in loss.iterations:
        ratios = (f"{row.snr_db:.2f}", f"{row.snr_db_with_float:.2f}")
        rows.add_row(f"{row.iteration}", *ratios, f"{row.equal_labels:.4f}", f"{row.equal_labels_with_float:.4f}")
    return rows


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
