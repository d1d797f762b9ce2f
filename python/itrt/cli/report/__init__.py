"""The pages of ``itrt eval --report`` and ``itrt convert --report``: one file of HTML each that needs nothing else."""

try:
    import jinja2  # noqa: F401  # a template with escaping
    import matplotlib  # noqa: F401  # plots as SVG
except ModuleNotFoundError as error:
    from itrt.errors import MissingDependencyError

    raise MissingDependencyError(f"--report needs {error.name}: pip install 'itrt[report]'") from error

from itrt.cli.report.conversion_page import conversion_page
from itrt.cli.report.page import Page

__all__ = ["Page", "conversion_page"]
