"""Every error that itrt raises on purpose; each message names the thing, what was expected and what was found."""


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
