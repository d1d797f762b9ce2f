"""The file format: the program as dataclasses, and the container that holds it."""

from itrt.format.container import read, to_bytes, write
from itrt.format.program import (
    FORMAT_VERSION,
    Add,
    Constant,
    Convolution,
    Operator,
    Preprocessing,
    Program,
    Resize,
    Tensor,
    Term,
)

__all__ = [
    "FORMAT_VERSION",
    "Add",
    "Constant",
    "Convolution",
    "Operator",
    "Preprocessing",
    "Program",
    "Resize",
    "Tensor",
    "Term",
    "read",
    "to_bytes",
    "write",
]
