"""``itrt plan --compare``: networks side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer

from itrt.cli import console
from itrt.cli.plan_network import Request
from itrt.cli.plan_tables import print_table
from itrt.errors import InvalidArgumentError, ModelFileError
from itrt.files import write_atomically
from itrt.loading import read_model
from itrt.planner import GraphMeasures, load_workload, measure, report
from itrt.planner.planning import DoesNotFitError, Plan


def compare_networks(models: Sequence[str], request: Request, json_file: Path | None) -> None:
    """Print measures of each, and its plan's memory and time where there is a target."""
    if not models:
        raise InvalidArgumentError("--compare: expected at least one model, found none")
    rows = []
    with console.progress() as bars:
        task = bars.add_task("networks", total=len(models))
        for model in models:
            rows.append(_examined(model, request))
            bars.advance(task)
    print_table(report.comparison_table([forms for forms, _ in rows], [found for _, found in rows]))
    if json_file is not None:
        data = {"networks": [report.comparison_data(forms, found) for forms, found in rows]}
        write_atomically(json_file, report.as_json(data))
        typer.echo(f"wrote {json_file}")


def _examined(model: str, request: Request) -> tuple[tuple[GraphMeasures, ...], Plan | DoesNotFitError | None]:
    contents, source = read_model(model)
    try:
        forms = measure(load_workload(contents, *request.size, request.iterations, request.answers))
        return forms, None if request.target is None else request.plan(contents, request.target)
    except DoesNotFitError as error:
        return forms, error
    except ModelFileError as error:
        raise ModelFileError(f"{source}: {error}") from error
