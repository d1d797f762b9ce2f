"""``itrt bench``: the benchmarks, one file each."""

from __future__ import annotations

import typer

from itrt.cli.bench_kernels import bench_kernels
from itrt.cli.bench_model import bench_model
from itrt.cli.bench_plan import bench_plan
from itrt.cli.errors import report_errors

bench = typer.Typer(name="bench", help="Measure itrt on this machine.", no_args_is_help=True, rich_markup_mode=None)
bench.command("kernels")(report_errors(bench_kernels))
bench.command("model")(report_errors(bench_model))
bench.command("plan")(report_errors(bench_plan))
