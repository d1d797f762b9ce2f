"""What takes part in a comparison: a runtime with a model, an image and a number of threads."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

Labels = NDArray[Any]
RUNNERS = Path(__file__).parent / "runners"


@dataclass(frozen=True)
class Contender:
    """``runner`` names a file of `itrt.bench.runners`, ``arguments`` are those of its ``open_runner``."""

    runtime: str
    iterations: int
    runner: str
    arguments: Mapping[str, Any]

    @property
    def runner_path(self) -> Path:
        """The runner's file."""
        return RUNNERS / f"{self.runner}.py"

    def __call__(self) -> Callable[[], Labels]:
        """Load everything, in this process, and return the function to time."""
        specification = importlib.util.spec_from_file_location(self.runner, self.runner_path)
        assert specification is not None
        assert specification.loader is not None
        module = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(module)
        opened: Callable[[], Labels] = module.open_runner(**self.arguments)
        return opened
