"""The tables of ``itrt bench model``."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from itrt.bench.results import Comparison, Execution, IterationTime, Measurement
from itrt.cli import console


def print_comparison(comparison: Comparison) -> None:
    """Print everything that was measured, and where."""
    terminal = console.output()
    terminal.print(_facts(comparison))
    for title, rows in _groups(comparison.measurements).items():
        terminal.print()
        terminal.print(_times(title, rows, comparison.iteration_times))
    tables = [
        _speedups(comparison),
        _pixels(comparison),
        _lines(comparison),
        _starts(comparison),
        *(_execution(execution) for execution in comparison.executions),
    ]
    for table in tables:
        if table.row_count:
            terminal.print()
            terminal.print(table)
    for name, reason in comparison.skipped.items():
        terminal.print(f"skipped: {name}: {reason}", markup=False, soft_wrap=True)


def _facts(comparison: Comparison) -> Table:
    found = comparison.environment
    made_for = console.counted(comparison.trained_iterations, "iteration")
    versions = ", ".join(f"{name} {number}" for name, number in found.versions.items())
    return console.facts(
        [
            (
                "network",
                f"{comparison.subject}, made for {made_for}",
            ),
            ("CPU", f"{found.cpu}, {console.counted(found.cpus, 'CPU')} usable, {found.system}"),
            ("compiler", f"{found.compiler}; itrt on {found.isa}"),
            ("versions", f"Python {found.python}, {versions}"),
            ("timing", f"{comparison.turns} turns of {comparison.calls} calls; from image to labels at its size"),
        ]
    )


def _groups(rows: Sequence[Measurement]) -> dict[str, list[Measurement]]:
    groups: dict[str, list[Measurement]] = {}
    for row in rows:
        groups.setdefault(f"{row.height}x{row.width}, {console.counted(row.threads, 'thread')}", []).append(row)
    return groups


def _times(title: str, rows: Sequence[Measurement], lines: Sequence[IterationTime]) -> Table:
    """A row a runtime and iteration count; the time of one iteration stands in a runtime's last row."""
    columns = ("runtime", "k", "median, ms", "minimum, ms", "ratio", "equal to itrt", "equal to float", "iteration, ms")
    table = console.table(*columns, title=title, numbers=columns[1:])
    ordered = sorted(rows, key=lambda row: ([other.runtime for other in rows].index(row.runtime), row.iterations))
    for index, row in enumerate(ordered):
        is_last = index + 1 == len(ordered) or ordered[index + 1].runtime != row.runtime
        place = (row.runtime, row.height, row.width, row.threads)
        slope = [f"{line.line.slope:.2f}" for line in lines if _place(line) == place] if is_last else []
        table.add_row(
            row.runtime,
            str(row.iterations),
            f"{row.median_milliseconds:.2f}",
            f"{row.minimum_milliseconds:.2f}",
            f"{row.ratio:.2f}",
            f"{row.equal_to_itrt:.4f}",
            f"{row.equal_to_float:.4f}",
            *(slope or [""]),
        )
        if is_last:
            table.add_section()
    return table


def _place(line: IterationTime) -> tuple[str, int, int, int]:
    return line.runtime, line.height, line.width, line.threads


def _speedups(comparison: Comparison) -> Table:
    threads = sorted({row.threads for row in comparison.measurements})
    title = f"{threads[-1]} threads against {threads[0]}" if threads else None
    table = console.table("runtime", "image", "k", "times as fast", title=title, numbers=["k", "times as fast"])
    for (runtime, height, width, iterations), speedup in comparison.speedups().items():
        table.add_row(runtime, f"{height}x{width}", str(iterations), f"{speedup:.2f}")
    return table


def _pixels(comparison: Comparison) -> Table:
    """Only where there are several sizes: how an iteration's time a pixel compares with that at the first."""
    columns = ("runtime", "threads", "image", "ns a pixel", "by the first size's")
    table = console.table(*columns, title="an iteration's time a pixel", numbers=[columns[1], *columns[3:]])
    first = {(line.runtime, line.threads): line.nanoseconds_a_pixel for line in reversed(comparison.iteration_times)}
    if len({(line.height, line.width) for line in comparison.iteration_times}) < 2:
        return table
    for line in comparison.iteration_times:
        ratio = line.nanoseconds_a_pixel / first[line.runtime, line.threads]
        image = f"{line.height}x{line.width}"
        table.add_row(line.runtime, str(line.threads), image, f"{line.nanoseconds_a_pixel:.2f}", f"{ratio:.3f}")
    return table


def _lines(comparison: Comparison) -> Table:
    columns = ("threads", "k", "rest, ms", "iteration, ms", "largest residual, ms", "one more answer, ms", "share")
    table = console.table(*columns, title="itrt: time = rest + k * iteration", numbers=columns)
    for line, answer in zip(comparison.itrt_lines, comparison.answers, strict=True):
        table.add_row(
            str(line.threads),
            f"{line.counts[0]}..{line.counts[-1]}",
            f"{line.line.intercept:.2f}",
            f"{line.line.slope:.2f}",
            f"{line.line.residual:.2f}",
            f"{answer.milliseconds:.2f}",
            f"{answer.share_of_iteration:.1%}",
        )
    return table


def _starts(comparison: Comparison) -> Table:
    columns = ("process", "import to first answer, ms", "peak memory", "on disk")
    table = console.table(*columns, title="new processes, medians", numbers=columns[1:])
    for start in comparison.starts:
        disk = "" if start.installed_bytes is None else f"{start.installed_bytes / 1e6:.1f} MB"
        table.add_row(start.runtime, f"{start.milliseconds:.0f}", f"{start.peak_bytes / 2**20:.1f} MiB", disk)
    return table


def _execution(execution: Execution) -> Table:
    arena = console.binary_size(execution.arena_bytes)
    columns = tuple(dict.fromkeys(name for row in execution.kernels for name in row))
    table = console.table(*columns, title=f"itrt at {execution.height}x{execution.width}: what ran; arena {arena}")
    for row in execution.kernels:
        table.add_row(*(str(row.get(name, "")) for name in columns))
    return table
