"""What all commands print alike: tables, numbers, colour swatches."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console, JustifyMethod
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.style import Style
from rich.table import Table
from rich.text import Text

from itrt.text import binary_size as binary_size
from itrt.text import counted as counted
from itrt.text import millions as millions

_WIDTH_OF_FILES = 160  # columns where the output is no terminal: nothing is wrapped or cut in a log


def output() -> Console:
    """The console of stdout."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_WIDTH_OF_FILES)


def progress() -> Progress:
    """A bar on stderr that goes away when it is done; none where stderr is no terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def table(*columns: str, title: str | None = None, numbers: Sequence[str] = (), wrapped: str = "") -> Table:
    """An empty table; columns in `numbers` are aligned to the right, only the one named `wrapped` may break lines."""
    result = Table(
        box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="bold", pad_edge=False, show_edge=False
    )
    for column in columns:
        justify: JustifyMethod = "right" if column in numbers else "left"
        result.add_column(column, justify=justify, no_wrap=column != wrapped, overflow="fold")
    return result


def facts(rows: Sequence[tuple[str, str]]) -> Table:
    """Names and values, without a header."""
    result = Table(box=None, show_header=False, pad_edge=False)
    result.add_column(style="bold")
    result.add_column(overflow="fold")
    for name, value in rows:
        result.add_row(name, Text(value))
    return result


def swatch(color: Sequence[int]) -> Text:
    """A small bar of this colour."""
    red, green, blue = (int(channel) for channel in color)
    return Text("██", style=Style(color=f"rgb({red},{green},{blue})"))
