"""The page that ``itrt eval --report`` writes: one file of HTML that needs nothing else."""

try:
    import jinja2  # noqa: F401  # a template with escaping
    import matplotlib  # noqa: F401  # plots as SVG
except ModuleNotFoundError as error:
    from itrt.errors import MissingDependencyError

    raise MissingDependencyError(f"--report needs {error.name}: pip install 'itrt[report]'") from error

from itrt.cli.report.page import Page

__all__ = ["Page"]
