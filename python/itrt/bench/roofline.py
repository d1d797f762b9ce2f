"""The roofline picture: what a kernel reaches, over how much it computes a byte, below what the machine can do."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from itrt.bench.kernel_timing import Row
from itrt.errors import MissingDependencyError
from itrt.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLORS = ("tab:blue", "tab:orange", "tab:green", "tab:red", "tab:purple")
_MARKERS = ("o", "^", "s", "D", "v")
_MOST_NAMES = 40  # as many as fit beside the picture


def require() -> None:
    """Raise an error that says how to install what a picture needs."""
    try:
        import matplotlib  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            "matplotlib: expected for --plot, found none; pip install 'itrt[bench]'"
        ) from error


def write_roofline(rows: Sequence[Row], bandwidths: Mapping[int, float], title: str, path: Path) -> None:
    """Write a PNG with a point a convolution, and a roof an instruction set and number of threads.

    Args:
        rows: those without multiply-accumulates are left out.
        bandwidths: bytes a second of a copy, by number of threads.
        title: of the picture.
        path: of the PNG.

    """
    require()
    from matplotlib.figure import Figure

    convolutions = [row for row in rows if row.shape.macs]
    figure = Figure(figsize=(13, 7), layout="constrained")
    axes = figure.subplots()
    groups = sorted({(row.isa, row.threads) for row in convolutions})
    for index, (isa, threads) in enumerate(groups):
        mine = [row for row in convolutions if (row.isa, row.threads) == (isa, threads)]
        color, marker = _COLORS[index % len(_COLORS)], _MARKERS[index % len(_MARKERS)]
        label = f"{isa}, {threads} thread{'s' * (threads > 1)}"
        speeds = [_speed(row) for row in mine]
        intensities = [_intensity(row) for row in mine]
        axes.plot(intensities, speeds, label=label, linestyle="none", zorder=3, color=color, marker=marker)
    if convolutions:
        intensities = [_intensity(row) for row in convolutions]
        _draw_roofs(axes, convolutions, bandwidths, (min(intensities) / 2, max(intensities) * 2))
        _name_shapes(axes, convolutions)
        axes.legend(loc="lower right", fontsize=8)
    axes.set(xscale="log", yscale="log", title=title)
    axes.set_xlabel(
        "arithmetic intensity: MAC a byte of input, weights and output (above the copy line: the bytes stay in a cache)"
    )
    axes.set_ylabel("GMAC/s, median")
    axes.grid(True, which="both", alpha=0.25)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=120)
    write_atomically(path, picture.getvalue())


def _intensity(row: Row) -> float:
    return row.shape.macs / row.shape.bytes


def _speed(row: Row) -> float:
    return row.shape.macs / row.seconds / 1e9


def _draw_roofs(axes: Axes, rows: Sequence[Row], bandwidths: Mapping[int, float], limits: tuple[float, float]) -> None:
    """A level line a peak, a slope a number of threads."""
    span = np.geomspace(*limits, 100)
    highest = max(max(map(_speed, rows)), *(row.peak / 1e9 for row in rows if row.peak), 0)
    for threads in sorted({row.threads for row in rows}):
        slope = span * bandwidths[threads] / 1e9
        label = f"copy in memory, {threads} thread{'s' * (threads > 1)}: {bandwidths[threads] / 1e9:.1f} GB/s"
        below = slope <= highest
        axes.plot(span[below], slope[below], color="black", linewidth=1, linestyle=(0, (4, threads)), label=label)
    peaks: dict[tuple[str, int], list[float]] = {}
    for row in rows:
        if row.peak is not None:
            peaks.setdefault((row.isa, row.threads), []).append(row.peak / 1e9)
    for (isa, threads), measured in peaks.items():
        level = float(np.median(measured))
        axes.axhline(level, color="black", linewidth=1)
        name = f"peak {isa}, {threads} thread{'s' * (threads > 1)}: {level:.0f} GMAC/s"
        offset = (2 + 200 * (threads - 1), 3)  # threads that share a CPU have one peak
        axes.annotate(name, (limits[0], level), xytext=offset, textcoords="offset points", fontsize=8)


def _name_shapes(axes: Axes, rows: Sequence[Row]) -> None:
    """A number at the fastest point of every shape; the names beside the picture."""
    fastest: dict[str, Row] = {}
    for row in rows:
        other = fastest.get(row.shape.name)
        if other is None or row.seconds < other.seconds:
            fastest[row.shape.name] = row
    if len(fastest) > _MOST_NAMES:
        return
    ordered = sorted(fastest.values(), key=_intensity)
    for number, row in enumerate(ordered, start=1):
        position = _intensity(row), _speed(row)
        axes.annotate(
            str(number), position, xytext=(0, 5), textcoords="offset points", fontsize=8, ha="center", zorder=4
        )
    names = "\n".join(f"{number:2}  {row.shape.name}" for number, row in enumerate(ordered, start=1))
    axes.annotate(names, (1.01, 1), xycoords="axes fraction", fontsize=8, va="top", family="monospace")
