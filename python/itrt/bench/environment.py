"""The machine and the versions that a measurement belongs to."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from itrt import _core


@dataclass(frozen=True)
class Environment:
    """``versions`` are those of the installed distributions, by name."""

    cpu: str
    cpus: int
    system: str
    python: str
    compiler: str
    isa: str
    versions: dict[str, str]


def environment(distributions: Iterable[str]) -> Environment:
    """Of this process: the CPUs are those that it may use."""
    found = {name: version(name) for name in distributions}
    return Environment(
        cpu=cpu_name(),
        cpus=len(os.sched_getaffinity(0)),
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        compiler=_core.compiler(),
        isa=_core.select_isa(),
        versions={name: number for name, number in found.items() if number is not None},
    )


def cpu_name() -> str:
    """The CPU's own name, or else what the platform says."""
    information = Path("/proc/cpuinfo")
    text = information.read_text() if information.exists() else ""
    match = re.search(r"^model name\s*: *(.+)$", text, re.MULTILINE)
    return match[1] if match else platform.processor() or platform.machine()


def version(name: str) -> str | None:
    """The version of an installed distribution; None if it is not installed."""
    try:
        return distribution(name).version
    except PackageNotFoundError:
        return None


def installed_bytes(name: str, without: Iterable[str] = ("numpy",)) -> int:
    """Bytes on disk of a distribution and all that it requires, but for the ones in `without` and compiled Python."""
    seen = {_normalized(other) for other in without}
    waiting, total = [name], 0
    while waiting:
        current = _normalized(waiting.pop())
        if current in seen:
            continue
        seen.add(current)
        try:
            found = distribution(current)
        except PackageNotFoundError:
            continue  # required on other machines
        total += _bytes_of(found)
        waiting += [re.split(r"[^\w.-]", text, maxsplit=1)[0] for text in found.requires or [] if "extra" not in text]
    return total


def _bytes_of(found: Distribution) -> int:
    paths = (Path(str(file.locate())) for file in found.files or [] if file.suffix != ".pyc")
    return sum(path.stat().st_size for path in paths if path.is_file())


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
