"""The training loop: AdamW under a schedule, an average of the weights, a checkpoint an epoch, exact resumption."""

import csv
import logging
import math
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from itrt.errors import CheckpointError, InvalidArgumentError, ItrtError
from itrt.nn import AnytimeNetwork, ItNet, ItNetSettings, load_weights
from itrt.train.average import WeightAverage
from itrt.train.batches import batches_per_epoch, epoch_batches
from itrt.train.checkpoint import Metadata, read_checkpoint, save_network
from itrt.train.data import SegmentationData
from itrt.train.distillation import Teacher, distillation_loss
from itrt.train.losses import class_frequencies, class_weights, joint_loss
from itrt.train.optimizer import compact_state, make_optimizer, round_moments
from itrt.train.recipe import Recipe
from itrt.train.validation import autocast_pays, evaluate, normalize

logger = logging.getLogger("itrt")

CHECKPOINT, BEST, FINAL, LOG = "checkpoint.pt", "best.pt", "network.pt", "log.csv"


@dataclass(frozen=True)
class StepReport:
    """After each optimizer step: epochs and steps count from 1; loss is the mean of the epoch so far."""

    epoch: int
    step: int
    steps: int
    loss: float


@dataclass(frozen=True)
class EpochReport:
    """After each epoch; ``validation_miou`` holds a number an iteration, and is empty if it was not measured."""

    epoch: int
    loss: float
    learning_rate: float
    seconds: float
    validation_miou: tuple[float, ...]


def train(
    recipe: Recipe,
    data: SegmentationData,
    output_dir: str | Path,
    progress: Callable[[StepReport | EpochReport], None] | None = None,
    *,
    network: AnytimeNetwork | ItNetSettings | None = None,
    teacher: AnytimeNetwork | None = None,
    device: str | torch.device = "cpu",
    resume: bool = False,
) -> AnytimeNetwork:
    """Train a network and return it, in evaluation mode.

    Writes to ``output_dir``: ``checkpoint.pt`` after every epoch, ``best.pt`` (the best last-iteration mIoU),
    ``network.pt`` at the end, and ``log.csv``, a row an epoch.

    Parameters
    ----------
    recipe, data
        How to train, and on what.
    output_dir
        Created if it does not exist.
    progress
        Called after every step and every epoch.
    network
        What to train: a network, or settings of an ``ItNet``, whose initial weights then follow from the recipe's seed.
        None: the default settings with the data's number of classes.
    teacher
        A trained network for the same classes and normalization, whose last answer on each batch is learned, too, as
        the recipe's ``distillation`` says. Give a resumed training the same one.
    device
        "cpu" or "cuda".
    resume
        Continue from ``output_dir/checkpoint.pt``; the result is bit-identical to that of an uninterrupted run on the
        same machine with the same number of threads. ``epochs`` may differ: the learning rate follows the new total.

    Raises
    ------
    InvalidArgumentError
        If settings and data do not fit, or a training would be overwritten.
    MissingFileError, CheckpointError
        If there is nothing to resume, or it is of another network or recipe.
    """
    trainer = _Trainer(recipe, data, Path(output_dir), network, teacher, torch.device(device))
    with torch.random.fork_rng():
        return trainer.run(progress or (lambda report: None), resume)


class _Trainer:
    def __init__(
        self,
        recipe: Recipe,
        data: SegmentationData,
        output: Path,
        network: AnytimeNetwork | ItNetSettings | None,
        teacher: AnytimeNetwork | None,
        device: torch.device,
    ) -> None:
        if output.exists() and not output.is_dir():
            raise InvalidArgumentError(f"{output}: expected a directory to write to, found a file")
        self.recipe, self.data, self.output, self.device = recipe, data, output, device
        classes = len(data.class_names)
        if not isinstance(network, AnytimeNetwork):
            settings = network or ItNetSettings(classes=classes)
            if settings.classes != classes:
                raise InvalidArgumentError(f"classes: expected {classes}, as in the data, found {settings.classes}")
            with torch.random.fork_rng():
                torch.manual_seed(recipe.seed)
                network = ItNet(settings)
        self.network: AnytimeNetwork = network
        network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's stub
        self.teacher = None if teacher is None else Teacher(teacher, classes, device)
        self.iteration_weights = recipe.weights_of_iterations(network.iterations)
        weights = class_weights(
            class_frequencies(data.train.labels, classes), recipe.class_weighting, recipe.class_weight_cap
        )
        self.class_weights = None if weights is None else weights.to(device)
        self.autocast = autocast_pays(device) if recipe.autocast is None else recipe.autocast
        self.steps = batches_per_epoch(recipe, data)
        self.optimizer = make_optimizer(network, recipe)
        self.average = WeightAverage(network, recipe.average_decay) if recipe.average_decay else None
        self.best = -math.inf
        self.rows: list[EpochReport] = []

    @property
    def result(self) -> AnytimeNetwork:
        """The network that is measured and written."""
        return self.network if self.average is None else self.average.network

    def run(self, progress: Callable[[StepReport | EpochReport], None], resume: bool) -> AnytimeNetwork:
        checkpoint = self.output / CHECKPOINT
        if resume:
            self.restore(checkpoint)
        elif checkpoint.exists():
            raise InvalidArgumentError(
                f"{self.output}: expected a new directory, found one with a training in it; resume it or choose another"
            )
        self.output.mkdir(parents=True, exist_ok=True)
        parameters = sum(p.numel() for p in self.network.parameters())
        logger.info(
            "training %d parameters on %d images, %s, %s, %d threads", parameters, len(self.data.train), self.device,
            "bfloat16" if self.autocast else "float32", torch.get_num_threads(),
        )  # fmt: skip
        for epoch in range(len(self.rows) + 1, self.recipe.epochs + 1):
            report = self.epoch(epoch, progress)
            self.rows.append(report)
            self.save(report)
            progress(report)
        save_network(self.output / FINAL, self.result, self.metadata())
        return self.result.eval()

    def epoch(self, epoch: int, progress: Callable[[StepReport | EpochReport], None]) -> EpochReport:
        start, total, rate = time.perf_counter(), 0.0, 0.0
        torch.manual_seed(int(np.random.SeedSequence((self.recipe.seed, epoch)).generate_state(1)[0]))  # for dropout
        offsets = np.random.default_rng((self.recipe.seed, epoch, len(self.data.train)))
        self.network.train()
        for step, (images, labels) in enumerate(epoch_batches(self.recipe, self.data, epoch), start=1):
            done = (epoch - 1) * self.steps + step - 1
            rate = self.recipe.rate(done, self.recipe.epochs * self.steps)
            row, column = offsets.integers(self.recipe.loss_stride, size=2).tolist()
            loss = self.step(images.to(self.device), labels.to(self.device), rate, (row, column))
            if not math.isfinite(loss):
                raise ItrtError(
                    f"loss: expected a finite number, found {loss} in epoch {epoch}, step {step}; "
                    "a lower learning_rate may help"
                )
            total += loss
            progress(StepReport(epoch, step, self.steps, total / step))
        miou: tuple[float, ...] = ()
        last = epoch == self.recipe.epochs
        if len(self.data.validation) and (last or epoch % self.recipe.validate_every == 0):
            miou = self.validate()
        return EpochReport(epoch, total / self.steps, rate, time.perf_counter() - start, miou)

    def step(self, images: Tensor, labels: Tensor, rate: float, offset: tuple[int, int]) -> float:
        recipe = self.recipe
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        batch = normalize(images, recipe.mean, recipe.standard_deviation)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.autocast):
            logits = self.network(batch)
            answer = None if self.teacher is None else self.teacher.answer(batch)
        loss = joint_loss(
            logits,
            labels,
            self.iteration_weights,
            self.class_weights,
            self.data.ignore_index,
            recipe.loss_stride,
            offset,
            recipe.lovasz,
        )
        if answer is not None:
            loss = loss + recipe.distillation * distillation_loss(logits, answer, self.iteration_weights)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), recipe.gradient_clip)
        self.optimizer.step()
        if self.average is not None:
            self.average.update(self.network)
        return float(loss.detach())

    def validate(self) -> tuple[float, ...]:
        recipe, data = self.recipe, self.data
        matrices = evaluate(
            self.result, data.validation, len(data.class_names), data.ignore_index,
            recipe.mean, recipe.standard_deviation, self.device, self.autocast,
        )  # fmt: skip
        return tuple(matrix.mean_iou() for matrix in matrices)

    def metadata(self) -> Metadata:
        recipe, data = self.recipe, self.data
        miou = self.rows[-1].validation_miou if self.rows else ()
        return Metadata(
            data.class_names, data.palette, data.ignore_index, recipe.mean, recipe.standard_deviation,
            asdict(recipe), len(self.rows), miou,
        )  # fmt: skip

    def save(self, report: EpochReport) -> None:
        if report.validation_miou and report.validation_miou[-1] > self.best:
            self.best = report.validation_miou[-1]
            save_network(self.output / BEST, self.result, self.metadata())
        round_moments(self.optimizer)
        # The log is in the checkpoint, too: a run that was killed between two writes resumes with both alike.
        training = {
            "optimizer": compact_state(self.optimizer),
            "rows": [asdict(row) for row in self.rows],
            "best": self.best,
        }
        if self.average is not None:
            # A checkpoint's "weights" are those to use: the average's. The optimizer goes on from the others.
            training["average"] = {"steps": self.average.steps, "last_weights": self.network.state_dict()}
        save_network(self.output / CHECKPOINT, self.result, self.metadata(), training)
        self.write_log()

    def restore(self, path: Path) -> None:
        content = read_checkpoint(path)
        training: Any = content.get("training")
        if not isinstance(training, dict):
            raise CheckpointError(f"{path}: expected the checkpoint of a training, found a network without one")
        load_weights(self.result, content["weights"], source=str(path))
        differences = Recipe(**content["metadata"]["recipe"]).differences(self.recipe)
        if "epochs" in differences:
            logger.warning("epochs: resuming with %d instead of %d", *reversed(differences.pop("epochs")))
        if differences:
            listed = "; ".join(f"{name} = {was} instead of {now}" for name, (was, now) in differences.items())
            raise CheckpointError(f"{path}: expected the recipe of this run, found {listed}")
        if self.average is not None:
            self.average.steps = training["average"]["steps"]
            self.network.load_state_dict(training["average"]["last_weights"])
        self.optimizer.load_state_dict(training["optimizer"])
        self.best = training["best"]
        self.rows = [EpochReport(**row) for row in training["rows"]]
        self.write_log()

    def write_log(self) -> None:
        beside = self.output / f".{LOG}.{os.getpid()}.partial"
        names = [f"val_miou_{step}" for step in range(1, self.network.iterations + 1)]
        with beside.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["epoch", "loss", "learning_rate", "seconds", *names])
            for row in self.rows:
                miou = [f"{value:.4f}" for value in row.validation_miou]
                writer.writerow([row.epoch, f"{row.loss:.5f}", f"{row.learning_rate:.3e}", f"{row.seconds:.1f}", *miou])
        beside.replace(self.output / LOG)
