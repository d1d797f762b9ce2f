"""Tables of ``itrt plan`` in the terminal."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from itrt.cli import console
from itrt.planner import load_target, presets
from itrt.planner.report import ReportTable, target_facts


def print_table(table: ReportTable) -> None:
    """Print a table and its note below an empty line."""
    terminal = console.output()
    terminal.print()
    terminal.print(_rich(table))
    if table.note:
        terminal.print(table.note, markup=False, style="dim")


def print_targets() -> None:
    """List the packaged accelerators."""
    console.output().print(console.facts(target_facts(load_target(name) for name in presets())))


def _rich(table: ReportTable) -> Table:
    wrapped = table.columns[-1] if table.columns[-1] not in table.numbers else ""
    found = console.table(*table.columns, title=table.title, numbers=sorted(table.numbers), wrapped=wrapped)
    for index, row in enumerate(table.rows):
        if index in table.breaks:
            found.add_section()
        found.add_row(*(Text(content) for content in row))
    return found
