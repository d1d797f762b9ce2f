#!/usr/bin/env python3
"""Shift a trained network's logits, one number a class, for the largest mean IoU on its training images:

    tools/fit_class_offsets.py network.pt --data CAMVID -o shifted.pt

Shows the offsets, and the mean IoU after each iteration on the validation images before and with them. --leave-out as
for ``itrt train``: the network of a fold is to be shifted by the images that it was trained with.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import torch

from itrt.cli.console import output, table
from itrt.cli.dataset import DATASET_HELP
from itrt.cli.output_files import check_directories
from itrt.errors import InvalidArgumentError, ItrtError
from itrt.nn import ItNet
from itrt.train import Metadata, SegmentationData, evaluate, leave_out, load_data, load_network, save_network
from itrt.train.class_offsets import fit_class_offsets, sample_logits


def shift(network: ItNet, data: SegmentationData, metadata: Metadata, penalty: float) -> torch.Tensor:
    """Fit offsets on the training images, add them to the classifier's bias, and return them."""
    if metadata.class_names != data.class_names:
        raise InvalidArgumentError(
            f"--data: expected the network's classes, {', '.join(metadata.class_names)}, "
            f"found {', '.join(data.class_names)}"
        )
    logits, labels = sample_logits(network, data, metadata.mean, metadata.standard_deviation)
    offsets = fit_class_offsets(logits, labels, penalty)
    bias = network.classifier.bias
    assert bias is not None  # ItNet's has one
    with torch.no_grad():
        bias += offsets
    return offsets


def measured(network: ItNet, data: SegmentationData, metadata: Metadata) -> tuple[float, ...]:
    """Mean IoU on the validation images after each iteration."""
    cpu = torch.device("cpu")
    mean, deviation = metadata.mean, metadata.standard_deviation
    matrices = evaluate(network, data.validation, len(data.class_names), data.ignore_index, mean, deviation, cpu)
    return tuple(matrix.mean_iou() for matrix in matrices)


def show(offsets: torch.Tensor, before: tuple[float, ...], after: tuple[float, ...], data: SegmentationData) -> None:
    """Two tables: a row a class, and a row an iteration."""
    rows = table("class", "offset", numbers=["offset"])
    for name, offset in zip(data.class_names, offsets.tolist(), strict=True):
        rows.add_row(name, f"{offset:+.2f}")
    output().print(rows)
    numbers = ["iteration", "before", "shifted"]
    rows = table(*numbers, numbers=numbers, title="mean IoU on the validation images, %")
    for step, values in enumerate(zip(before, after, strict=True), start=1):
        rows.add_row(str(step), *(f"{100 * value:.2f}" for value in values))
    output().print(rows)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", type=Path)
    parser.add_argument("--data", required=True, help="directory of the data set that it was trained with")
    parser.add_argument("--dataset", help=DATASET_HELP)
    parser.add_argument("--leave-out", nargs="+", default=[], metavar="VIDEO")
    parser.add_argument("--penalty", type=float, default=0.002, help="of an offset's square; default: 0.002")
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    check_directories(output=options.output)
    network, metadata = load_network(options.network)
    data = load_data(options.data, options.dataset)
    if options.leave_out:
        data = leave_out(data, options.leave_out)
    before = measured(network, data, metadata)
    offsets = shift(network, data, metadata, options.penalty)
    after = measured(network, data, metadata)
    save_network(options.output, network, replace(metadata, validation_miou=after))
    show(offsets, before, after, data)


if __name__ == "__main__":
    try:
        main()
    except ItrtError as error:
        sys.exit(f"error: {error}")
