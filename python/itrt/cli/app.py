"""The application: one file a command, registered here."""

import typer

from itrt.cli.bench import bench
from itrt.cli.convert import convert
from itrt.cli.curve import curve
from itrt.cli.debug import debug
from itrt.cli.errors import report_errors
from itrt.cli.eval import evaluate
from itrt.cli.export import export
from itrt.cli.info import info
from itrt.cli.inspect import inspect
from itrt.cli.plan import plan
from itrt.cli.profile import profile
from itrt.cli.run import run
from itrt.cli.train import train

app = typer.Typer(
    name="itrt",
    help="Runs iterative networks: one int8 block, executed k times, an answer after every iteration.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: it fits any width, and a usage error is one line
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command("run")(report_errors(run))
app.command("convert")(report_errors(convert))
app.command("train")(report_errors(train))
app.command("eval")(report_errors(evaluate))
app.command("curve")(report_errors(curve))
app.command("inspect")(report_errors(inspect))
app.command("debug")(report_errors(debug))
app.command("profile")(report_errors(profile))
app.command("plan")(report_errors(plan))
app.command("export")(report_errors(export))
app.command("info")(report_errors(info))
app.add_typer(bench)
