"""A plan in words, tables, plain data and pictures: for the terminal, JSON, one HTML page, a PNG."""

from itrt.planner.report.facts import facts
from itrt.planner.report.figures import write_figure
from itrt.planner.report.page import plan_page
from itrt.planner.report.plain_data import as_json, comparison_data, front_data, misfit_data, plan_data
from itrt.planner.report.tables import (
    ReportTable,
    comparison_table,
    front_table,
    layer_table,
    measure_table,
    run_table,
)
from itrt.planner.report.target_tables import source_table, target_facts

__all__ = [
    "ReportTable",
    "as_json",
    "comparison_data",
    "comparison_table",
    "facts",
    "front_data",
    "front_table",
    "layer_table",
    "measure_table",
    "misfit_data",
    "plan_data",
    "plan_page",
    "run_table",
    "source_table",
    "target_facts",
    "write_figure",
]
