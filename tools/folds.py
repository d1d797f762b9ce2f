#!/usr/bin/env python3
"""Train and measure a recipe with whole videos left out: videos x seeds runs of ``itrt train``, and a table.

Everything behind ``--`` goes to ``itrt train``. A run that was interrupted is resumed, one that is finished is not
repeated: start the same command again. Each run is a process of its own and logs to OUTPUT/VIDEO-SEED.log:

    tools/folds.py --data camvid --output folds/strong --seeds 0 1 2 -- --epochs 30 --light 0.5
"""

import argparse
import csv
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import mean, stdev

import torch

from itrt.cli.console import output, table
from itrt.errors import InvalidArgumentError, ItrtError
from itrt.files import write_atomically
from itrt.train import ConfusionMatrix, SegmentationData, evaluate, leave_out, load_data, load_network

TRAIN = Path(__file__).with_name("train.py")


@dataclass(frozen=True)
class Run:
    """One training: a video left out, a seed."""

    video: str
    seed: int
    directory: Path

    def finished(self) -> bool:
        return (self.directory / "network.pt").is_file()

    def train(self, data: Path, arguments: Sequence[str]) -> None:
        """Start or resume the training and wait for it; raise ItrtError if it fails."""
        command = [
            sys.executable, str(TRAIN), "--data", str(data), "--output", str(self.directory),
            "--leave-out", self.video, "--seed", str(self.seed), *arguments,
        ]  # fmt: skip
        if (self.directory / "checkpoint.pt").is_file():
            command.append("--resume")
        log = self.directory.with_suffix(".log")
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a") as file:
            status = subprocess.run(command, stdout=file, stderr=subprocess.STDOUT).returncode
        if status != 0:
            last = log.read_text().strip().splitlines()[-1:]
            raise ItrtError(f"{log}: expected a training that ends well, found exit status {status}: {''.join(last)}")


@dataclass(frozen=True)
class Score:
    """What a finished run is worth on its left-out video: a confusion matrix an iteration; epochs and hours it took."""

    run: Run
    matrices: tuple[ConfusionMatrix, ...]
    epochs: int
    hours: float

    def mean_iou(self) -> list[float]:
        return [matrix.mean_iou() for matrix in self.matrices]


def measure(run: Run, data: SegmentationData) -> Score:
    """Evaluate a finished run's network on the frames of its left-out video."""
    network, metadata = load_network(run.directory / "network.pt")
    matrices = evaluate(
        network, leave_out(data, [run.video]).validation, len(data.class_names), data.ignore_index,
        metadata.mean, metadata.standard_deviation, torch.device("cpu"),
    )  # fmt: skip
    with (run.directory / "log.csv").open(newline="") as file:
        seconds = sum(float(row["seconds"]) for row in csv.DictReader(file))
    return Score(run, tuple(matrices), metadata.epoch, seconds / 3600)


def check_recipe(directory: Path, arguments: Sequence[str]) -> None:
    """Note the arguments of a directory's runs; raise if it holds runs with others, which one table would mix up."""
    directory.mkdir(parents=True, exist_ok=True)
    note, text = directory / "arguments.txt", " ".join(arguments)
    if not note.exists():
        write_atomically(note, text.encode())
    elif note.read_text() != text:
        raise InvalidArgumentError(f"{directory}: expected runs with {text!r}, found runs with {note.read_text()!r}")


def show_runs(scores: Sequence[Score]) -> None:
    """A row a run, and one a video with the mean over its seeds and their standard deviation."""
    iterations = max(len(score.matrices) for score in scores)
    numbers = ["epochs", "hours", *(str(step + 1) for step in range(iterations))]
    rows = table("left out", "seed", *numbers, numbers=numbers, title="mean IoU in % after each iteration")
    for score in scores:
        values = [f"{100 * value:.1f}" for value in score.mean_iou()]
        rows.add_row(score.run.video, str(score.run.seed), str(score.epochs), f"{score.hours:.2f}", *values)
    for video in dict.fromkeys(score.run.video for score in scores):
        rows.add_row(video, "all", "", "", *_mean_and_spread([s for s in scores if s.run.video == video]))
    if len({score.run.video for score in scores}) > 1:
        rows.add_row("all", "all", "", f"{sum(s.hours for s in scores):.2f}", *_mean_and_spread(scores))
    output().print(rows)


def _mean_and_spread(scores: Sequence[Score]) -> list[str]:
    texts = []
    for values in zip(*(score.mean_iou() for score in scores), strict=True):
        spread = f" +- {100 * stdev(values):.1f}" if len(values) > 1 else ""
        texts.append(f"{100 * mean(values):.1f}{spread}")
    return texts


def show_classes(scores: Sequence[Score], class_names: Sequence[str]) -> None:
    """IoU of each class after the last iteration, a column a video (the mean over its seeds)."""
    videos = list(dict.fromkeys(score.run.video for score in scores))
    rows = table("class", *videos, numbers=videos, title="IoU in % after the last iteration")
    iou = {video: [s.matrices[-1].iou() for s in scores if s.run.video == video] for video in videos}
    for index, name in enumerate(class_names):
        rows.add_row(name, *(f"{100 * mean(float(values[index]) for values in iou[video]):.1f}" for video in videos))
    output().print(rows)


def main(arguments: Sequence[str]) -> None:
    """Train what is not yet trained, then print both tables."""
    own, passed = list(arguments), []
    if "--" in own:
        own, passed = own[: own.index("--")], own[own.index("--") + 1 :]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="CamVid, in the SegNet layout or the original")
    parser.add_argument("--output", type=Path, required=True, help="directory of all runs of this recipe")
    parser.add_argument("--videos", nargs="+", default=["0001TP", "0006R0", "0016E5"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    options = parser.parse_args(own)
    check_recipe(options.output, passed)
    data = load_data(options.data)
    runs = [Run(v, s, options.output / f"{v}-{s}") for s, v in product(options.seeds, options.videos)]
    for run in runs:
        if not run.finished():
            run.train(options.data, passed)
    scores = [measure(run, data) for run in runs]
    show_runs(scores)
    show_classes(scores, data.class_names)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except ItrtError as error:
        sys.exit(f"error: {error}")
