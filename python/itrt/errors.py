"""Every error that itrt raises on purpose; each message names the thing, what was expected and what was found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from itrt.result import Result


class ItrtError(Exception):
    """Base class of all errors of itrt."""


class ModelFileError(ItrtError):
    """A model file is truncated, corrupt, foreign or of another version."""


class ConversionError(ItrtError):
    """A network cannot be converted."""


class InvalidArgumentError(ItrtError, ValueError):
    """An argument has a wrong type, shape or value."""


class MissingFileError(ItrtError, FileNotFoundError):
    """A file or directory does not exist."""


class CheckpointError(ItrtError):
    """A training checkpoint is truncated, foreign or of another network."""


class MissingDependencyError(ItrtError, ImportError):
    """An optional package is needed and not installed; the message says how to install it."""


class AcceleratorError(ItrtError):
    """A description of an accelerator is incomplete or wrong, or lacks what is asked of it."""


class BenchmarkError(ItrtError):
    """A runtime cannot take part in a comparison."""


class VerificationError(ItrtError):
    """A kernel gave other bytes than its oracle."""


class CancelledError(ItrtError):
    """A run was cancelled before its first iteration was done."""


class DeadlineExceeded(ItrtError, TimeoutError):  # noqa: N818  the word of the field: gRPC's, asyncio's, Go's
    """A deadline came before one iteration was done."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C ended a run: a KeyboardInterrupt with what was done until then.

    Attributes
    ----------
    results
        `itrt.Result` objects in the order of their images, at least one: those that nobody had been given yet.
    """

    def __init__(self, results: Sequence[Result]) -> None:
        super().__init__(f"interrupted; {len(results)} in .results")
        self.results = tuple(results)

    @property
    def result(self) -> Result:
        """The last one: of a single run, its answer after the iterations that were done."""
        return self.results[-1]
