"""``itrt plan MODEL --target``: one network on one accelerator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from itrt.cli import console
from itrt.cli.errors import fail
from itrt.cli.plan_tables import print_table
from itrt.errors import InvalidArgumentError, ModelFileError
from itrt.files import write_atomically
from itrt.planner import measure, report
from itrt.planner.group_options import Objective
from itrt.planner.planning import DoesNotFitError, Plan, plan, sweep
from itrt.planner.report import figures
from itrt.runtime import read_model

if TYPE_CHECKING:
    from itrt.planner.accelerator import Accelerator

DOES_NOT_FIT = 3
"""The exit code where there is too little memory."""


@dataclass(frozen=True)
class Request:
    """What is to be planned: the arguments of `itrt.planner.plan`."""

    target: str | None
    size: tuple[int, int]
    sram: int | None
    iterations: int | None
    answers: int
    objective: Objective

    def plan(self, model: bytes, target: str | Accelerator) -> Plan:
        """Plan a model; errors as for `itrt.planner.plan`."""
        height, width = self.size
        return plan(
            model,
            target,
            height=height,
            width=width,
            sram=self.sram,
            iterations=self.iterations,
            answers=self.answers,
            objective=self.objective,
        )

    def sweep(self, model: bytes, target: str | Accelerator) -> list[Plan]:
        """Plan it for other sizes of the arena, too."""
        height, width = self.size
        return sweep(
            model,
            target,
            height=height,
            width=width,
            iterations=self.iterations,
            answers=self.answers,
            objective=self.objective,
        )


@dataclass(frozen=True)
class Outputs:
    """What is shown and written."""

    sweep: bool
    page: Path | None
    figure: Path | None
    json: Path | None


def plan_network(model: str, request: Request, outputs: Outputs) -> None:
    """Plan, print, write; exit code 3 where it does not fit."""
    if request.target is None:
        raise InvalidArgumentError("plan: expected --target (itrt plan --targets lists presets), found none")
    if outputs.figure is not None:
        figures.require()
    contents, source = read_model(model)
    try:
        with console.progress() as bars:
            bars.add_task("plan", total=None)
            found = request.plan(contents, request.target)
            front = request.sweep(contents, request.target) if outputs.sweep else []
    except DoesNotFitError as error:
        if outputs.json is not None:
            write_atomically(outputs.json, report.as_json(report.misfit_data(error)))
        raise fail(str(error), DOES_NOT_FIT) from error
    except ModelFileError as error:
        raise ModelFileError(f"{source}: {error}") from error
    _print(found, front)
    _write(found, front, outputs)


def _print(found: Plan, front: Sequence[Plan]) -> None:
    console.output().print(console.facts(report.facts(found)))
    for table in (report.layer_table(found), report.run_table(found), report.measure_table(measure(found.work))):
        print_table(table)
    if front:
        print_table(report.front_table(front))


def _write(found: Plan, front: Sequence[Plan], outputs: Outputs) -> None:
    if outputs.json is not None:
        write_atomically(outputs.json, report.as_json(report.plan_data(found, front)))
    if outputs.page is not None:
        write_atomically(outputs.page, report.plan_page(found, front))
    if outputs.figure is not None:
        report.write_figure([found], outputs.figure, front)
    for file in (outputs.json, outputs.page, outputs.figure):
        if file is not None:
            typer.echo(f"wrote {file}")
