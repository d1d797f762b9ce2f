"""``itrt info``: what this machine offers and what itrt makes of it."""

from __future__ import annotations

import os
import platform

from itrt.cli import console


def info() -> None:
    """Show version, instruction set, threads, models, kernels."""
    import itrt
    from itrt import _core

    selected = _core.select_isa()
    terminal = console.output()
    terminal.print(
        console.facts(
            [
                ("itrt", itrt.__version__),
                ("Python", f"{platform.python_version()}, {platform.system()} {platform.machine()}"),
                ("instruction set", f"{selected} ({_why_isa(selected, _core.detected_isa())})"),
                ("threads", f"{_core.default_threads()} ({_why_threads(_core.cpu_budget())})"),
            ]
        )
    )
    models = console.table(
        "model", "classes", "iterations", "at most", "file", numbers=["classes", "iterations", "file"]
    )
    for name in itrt.packaged_models():
        model = itrt.load(name)
        limit = "any number" if model.max_iterations is None else str(model.max_iterations)
        size = console.binary_size(model.file_bytes)
        models.add_row(name, str(len(model.classes)), str(model.iterations), limit, size)
    terminal.print()
    if models.row_count:
        terminal.print(models)
    else:
        terminal.print("no packaged models")
    kernels = console.table("operation", "instruction set", "kernel", "selected")
    for row in itrt.kernels.list():
        kernels.add_row(row["operation"], row["isa"], row["name"], "yes" if row["selected"] else "")
    terminal.print()
    terminal.print(kernels)


def _why_isa(selected: str, detected: str) -> str:
    if os.environ.get("ITRT_ISA"):
        return f"ITRT_ISA; this CPU has {detected}"
    return "the best that this CPU has"


def _why_threads(budget: int) -> str:
    if os.environ.get("ITRT_NUM_THREADS"):
        return f"ITRT_NUM_THREADS; affinity and cgroup quota allow {budget}"
    affinity = len(os.sched_getaffinity(0))
    if budget < affinity:
        return f"the cgroup's CPU quota; affinity allows {affinity}"
    if affinity < (os.cpu_count() or affinity):
        return f"the process's affinity; the machine has {os.cpu_count()} CPUs"
    return "one a CPU"
