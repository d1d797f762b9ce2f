"""Factors of equalization as text: a file says by what its tensors' channels are divided, for those who compare them.

Factors are powers of 2 ** (1 / 4), so a channel is one byte, its exponent plus 128; all tensors are compressed.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from itrt.converter.equalization import STEPS_PER_OCTAVE, Factors
from itrt.errors import ModelFileError

EQUALIZATION = "equalization"
"""The name in a file's metadata."""

_OFFSET = 128


def factors_to_text(factors: Mapping[str, NDArray[np.float64]]) -> str:
    """Return the factors of each tensor, (channels,), as text."""
    exponents = {
        name: [round(STEPS_PER_OCTAVE * float(np.log2(value))) + _OFFSET for value in values]
        for name, values in sorted(factors.items())
    }
    document = {name: base64.b64encode(bytes(values)).decode() for name, values in exponents.items()}
    return base64.b64encode(zlib.compress(json.dumps(document).encode(), 9)).decode()


def factors_from_text(text: str | None) -> Factors:
    """Return what `factors_to_text` was given; no factors for None.

    Raises
    ------
    ModelFileError
        If the text is no such thing.
    """
    if text is None:
        return {}
    try:
        document = json.loads(zlib.decompress(base64.b64decode(text, validate=True)))
        stored = {str(name): base64.b64decode(values, validate=True) for name, values in document.items()}
    except (AttributeError, TypeError, ValueError, binascii.Error, zlib.error) as error:
        raise ModelFileError(f"metadata {EQUALIZATION}: expected factors of channels, found {error}") from error
    return {
        name: np.exp2((np.frombuffer(values, np.uint8).astype(np.float64) - _OFFSET) / STEPS_PER_OCTAVE)
        for name, values in stored.items()
    }
