"""``itrt bench``: measurements; one file a command, registered here."""

import typer

from itrt.cli.bench_kernels import bench_kernels
from itrt.cli.errors import report_errors

bench = typer.Typer(help="Measure kernels and models on this machine.", no_args_is_help=True, rich_markup_mode=None)

bench.command("kernels")(report_errors(bench_kernels))
