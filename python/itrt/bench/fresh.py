"""Cold start and memory, in processes of their own."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from itrt.bench.contender import Contender
from itrt.errors import BenchmarkError

_SCRIPT = Path(__file__).with_name("fresh_process.py")
NOTHING = "Python and numpy alone"


@dataclass(frozen=True)
class FreshStart:
    """Medians: from the import of the runtime to its first labels, and the peak of the process's resident memory."""

    milliseconds: float
    peak_bytes: int


def measure_fresh_starts(contenders: Mapping[str, Contender], repeats: int) -> dict[str, FreshStart]:
    """Start every contender `repeats` times, in turns; the first round only fills the file cache.

    A row `NOTHING` says what a process takes that runs none of them.
    """
    tasks: dict[str, dict[str, object]] = {NOTHING: {"runner": None}}
    for name, contender in contenders.items():
        tasks[name] = {"runner": str(contender.runner_path), "arguments": dict(contender.arguments)}
    found: dict[str, list[tuple[float, int]]] = {name: [] for name in tasks}
    for round_ in range(repeats + 1):
        for name, task in tasks.items():
            measured = _start(name, task)
            if round_ > 0:
                found[name].append(measured)
    return {
        name: FreshStart(
            1000 * statistics.median(seconds for seconds, _ in rows),
            int(statistics.median(peak for _, peak in rows)),
        )
        for name, rows in found.items()
    }


def _start(name: str, task: dict[str, object]) -> tuple[float, int]:
    command = [sys.executable, str(_SCRIPT), json.dumps(task)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode != 0:
        reason = (finished.stderr.strip() or "nothing on stderr").splitlines()[-1]
        raise BenchmarkError(
            f"{name} in a fresh process: expected labels, found exit code {finished.returncode}: {reason}"
        )
    measured = json.loads(finished.stdout.splitlines()[-1])  # a runtime may print before it
    return float(measured["seconds"]), int(measured["peak_bytes"])
