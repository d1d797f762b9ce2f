"""Carrying out runs: train what is missing, measure, write a result; in any number of processes at a time."""

import fcntl
import json
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from ablations.images import SeriesData
from ablations.results import Request, Result, read_request, read_result, write_request, write_result
from ablations.variants import BASE, Budget, Variant
from ablations.widths import graph_of, narrowed
from itrt.files import write_atomically
from itrt.nn import ItNetSettings
from itrt.planner import GraphMeasures
from itrt.train import EpochReport, StepReport, load_network, train
from itrt.train.loop import CHECKPOINT, FINAL

Progress = Callable[[StepReport | EpochReport], None]


@dataclass(frozen=True)
class Series:
    """Runs of one budget on one data set.

    Parameters
    ----------
    budget, data
        What they have in common.
    work
        Directory of checkpoints, a directory a run; a run that was interrupted goes on from there.
    results
        Directory of results, a file a run; a run that has one is not repeated.
    """

    budget: Budget
    data: SeriesData
    work: Path
    results: Path

    def request(self, variant: Variant, seed: int) -> Request:
        """Return what a variant's run is; a variant of another width than the base's takes a search."""
        return Request(
            variant=variant.name,
            seed=seed,
            budget=self.budget,
            data=self.data.description(),
            network=self._settings(variant),
            recipe=self.budget.recipe(seed, variant.recipe),
        )

    def execute(self, request: Request, progress: Progress) -> Result | None:
        """Return a run's result, after training it if there is none; None while another process is training it.

        Raises
        ------
        InvalidArgumentError
            If there is a result or a checkpoint of this name which is of another run.
        """
        path = self.results / f"{request.name}.json"
        if path.is_file():
            result = read_result(path)
            request.check_is(result.request, path)
            return result
        directory = self.work / request.name
        directory.mkdir(parents=True, exist_ok=True)
        with _locked(directory / "lock") as mine:
            if not mine:
                return None
            _note(directory / "request.json", request)
            result = self._carry_out(request, directory, progress)
            self.results.mkdir(parents=True, exist_ok=True)
            write_result(path, result)
        return result

    def _carry_out(self, request: Request, directory: Path, progress: Progress) -> Result:
        cpu_time = _CpuTime(directory / "cpu_seconds.json")

        def report(step: StepReport | EpochReport) -> None:
            if isinstance(step, StepReport) and step.step == step.steps:
                cpu_time.end_of_epoch(step.epoch)
            progress(step)

        train(
            request.recipe, self.data.images, directory, report,
            network=request.network, resume=(directory / CHECKPOINT).is_file(),
        )  # fmt: skip
        _, metadata = load_network(directory / FINAL)
        return Result(
            request=request,
            graph=self._graph(request.network).row(),
            mean_iou=metadata.validation_miou,
            cpu_seconds=cpu_time.total(),
            environment={
                "torch": torch.__version__,
                "threads": torch.get_num_threads(),
                "machine": platform.machine(),
                "instructions": torch.backends.cpu.get_cpu_capability(),
            },
        )

    def _settings(self, variant: Variant) -> ItNetSettings:
        classes = len(self.data.images.class_names)
        settings = self.budget.settings(classes, variant.network)
        if variant.narrowed_to is None:
            return settings
        target = getattr(self._graph(self.budget.settings(classes, BASE.network)), variant.narrowed_to)
        return narrowed(settings, variant.narrowed_to, target, self.data.height, self.data.width)

    def _graph(self, settings: ItNetSettings) -> GraphMeasures:
        return graph_of(settings, self.data.height, self.data.width)


def _note(path: Path, request: Request) -> None:
    """Keep with a run's checkpoint what it is, or check that it is the same."""
    if path.is_file():
        request.check_is(read_request(path), path)
    else:
        write_request(path, request)


@contextmanager
def _locked(path: Path) -> Iterator[bool]:
    """Whether this process has the lock, until the end; the system releases that of a process which was killed."""
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


class _CpuTime:
    """CPU time an epoch, in a file beside the checkpoint.

    An epoch is written before its checkpoint is: one that an interruption loses is trained, and timed, again.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seconds: dict[str, float] = json.loads(path.read_bytes()) if path.is_file() else {}
        self.start = time.process_time()

    def end_of_epoch(self, epoch: int) -> None:
        now = time.process_time()
        self.seconds[str(epoch)] = now - self.start
        self.start = now
        write_atomically(self.path, json.dumps(self.seconds).encode())

    def total(self) -> float:
        return sum(self.seconds.values())
