"""What stops the lowering of an operator."""


class UnsupportedOperatorError(Exception):
    """Raised by a lowering function; the message says what about the operator is not supported."""


class PoisonedInputError(Exception):
    """Raised when an operator's input could not be lowered: that one has been reported already."""
