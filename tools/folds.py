#!/usr/bin/env python3
"""Train and measure a recipe with whole videos left out: videos x seeds runs of ``itrt train``, and a table.

Everything behind ``--`` goes to ``itrt train``. A run that was interrupted is resumed, one that is finished is neither
trained nor measured again: start the same command again. Each run is a process of its own and logs to
OUTPUT/VIDEO-SEED.log; what is measured is its network in float and in int8, converted as ``itrt convert`` does it:

    tools/folds.py --data camvid --output folds/strong --seeds 0 1 2 -- --epochs 30 --light 0.5
"""

import argparse
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import mean, stdev

from fold_scores import Score, measure
from itrt.cli.console import output, table
from itrt.cli.dataset import DATASET_HELP
from itrt.errors import InvalidArgumentError, ItrtError
from itrt.files import write_atomically
from itrt.train import leave_out, load_data

TRAIN = Path(__file__).with_name("train.py")


@dataclass(frozen=True)
class Run:
    """One training: a video left out, a seed."""

    video: str
    seed: int
    directory: Path

    def finished(self) -> bool:
        return (self.directory / "network.pt").is_file()

    def train(self, arguments: Sequence[str]) -> None:
        """Start or resume the training and wait for it; raise ItrtError if it fails."""
        own = ["--output", str(self.directory), "--leave-out", self.video, "--seed", str(self.seed)]
        command = [sys.executable, str(TRAIN), *own, *arguments]
        if (self.directory / "checkpoint.pt").is_file():
            command.append("--resume")
        log = self.directory.with_suffix(".log")
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a") as file:
            status = subprocess.run(command, stdout=file, stderr=subprocess.STDOUT).returncode
        if status != 0:
            last = log.read_text().strip().splitlines()[-1:]
            raise ItrtError(f"{log}: expected a training that ends well, found exit status {status}: {''.join(last)}")


def check_recipe(directory: Path, arguments: Sequence[str]) -> None:
    """Note the arguments of a directory's runs; raise if it holds runs with others, which one table would mix up."""
    directory.mkdir(parents=True, exist_ok=True)
    note, text = directory / "arguments.txt", " ".join(arguments)
    if not note.exists():
        write_atomically(note, text.encode())
    elif note.read_text() != text:
        raise InvalidArgumentError(f"{directory}: expected runs with {text!r}, found runs with {note.read_text()!r}")


def show_runs(scores: Mapping[Run, Score]) -> None:
    """A row a run, and one a video with the mean over its seeds and their standard deviation."""
    iterations = max(len(score.mean_iou) for score in scores.values())
    numbers = ["epochs", "hours", *(str(step + 1) for step in range(iterations)), "int8", "int8 - float"]
    title = "mean IoU in % after each iteration; of int8 after the last"
    rows = table("left out", "seed", *numbers, numbers=numbers, title=title)
    for run, score in scores.items():
        values = [f"{100 * value:.2f}" for value in score.columns]
        rows.add_row(run.video, str(run.seed), str(score.epochs), f"{score.hours:.2f}", *values)
    by_video = _by_video(scores)
    for video, of_video in by_video.items():
        rows.add_row(video, "all", "", "", *_mean_and_spread(of_video))
    if len(by_video) > 1:
        hours = sum(score.hours for score in scores.values())
        rows.add_row("all", "all", "", f"{hours:.2f}", *_mean_and_spread(list(scores.values())))
    output().print(rows)


def _by_video(scores: Mapping[Run, Score]) -> dict[str, list[Score]]:
    found: dict[str, list[Score]] = {}
    for run, score in scores.items():
        found.setdefault(run.video, []).append(score)
    return found


def _mean_and_spread(scores: Sequence[Score]) -> list[str]:
    texts = []
    for values in zip(*(score.columns for score in scores), strict=True):
        spread = f" +- {100 * stdev(values):.2f}" if len(values) > 1 else ""
        texts.append(f"{100 * mean(values):.2f}{spread}")
    return texts


def show_classes(scores: Mapping[Run, Score], class_names: Sequence[str]) -> None:
    """IoU of each class after the last iteration, a column a video (the mean over its seeds)."""
    by_video = _by_video(scores)
    rows = table("class", *by_video, numbers=list(by_video), title="IoU in % after the last iteration")
    for index, name in enumerate(class_names):
        rows.add_row(name, *(f"{100 * mean(each.iou[index] for each in runs):.1f}" for runs in by_video.values()))
    output().print(rows)


def main(arguments: Sequence[str]) -> None:
    """Train what is not yet trained, measure what is not yet measured, then print both tables."""
    own, passed = list(arguments), []
    if "--" in own:
        own, passed = own[: own.index("--")], own[own.index("--") + 1 :]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="directory of a data set whose frames are of videos: CamVid")
    parser.add_argument("--dataset", help=DATASET_HELP)
    parser.add_argument("--output", type=Path, required=True, help="directory of all runs of this recipe")
    parser.add_argument("--videos", nargs="+", default=["0001TP", "0006R0", "0016E5"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    options = parser.parse_args(own)
    data = load_data(options.data, options.dataset)
    folds = {video: leave_out(data, [video]) for video in options.videos}
    check_recipe(options.output, passed)
    source = ["--data", options.data, *(["--dataset", options.dataset] if options.dataset else [])]
    runs = [Run(v, s, options.output / f"{v}-{s}") for s, v in product(options.seeds, options.videos)]
    for run in runs:
        if not run.finished():
            run.train([*source, *passed])
    scores = {run: measure(run.directory, folds[run.video]) for run in runs}
    show_runs(scores)
    show_classes(scores, data.class_names)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except ItrtError as error:
        sys.exit(f"error: {error}")
