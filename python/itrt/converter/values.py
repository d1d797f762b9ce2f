"""What a value of a captured section is made of, before anything is copied.

Concatenation, channel slices, shuffles, zero padding and crops write nothing: a value remembers which channels of which
tensors it has, and its reader decides whether they have to be brought together.

    cat(a, b)                 a[0:8] b[0:8]                       two parts, each a whole tensor
    cat(a, b)[:, 4:12]        a[4:8] b[0:4]                       two parts, fragments
    channel shuffle of it     a[4:5] b[0:1] a[5:6] b[1:2] ...     many
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from itrt.converter.float_graph import FloatTensor

Edges = tuple[int, int, int, int]  # top, left, bottom, right

NO_PADDING: Edges = (0, 0, 0, 0)


@dataclass(frozen=True)
class Part:
    """Neighbouring channels of a tensor; padded by zeros, or cropped where the padding is negative."""

    tensor: str
    channels: range
    padding: Edges = NO_PADDING

    def is_whole(self, tensors: Mapping[str, FloatTensor]) -> bool:
        """Return whether these are all channels of the tensor, in order."""
        return self.channels == range(tensors[self.tensor].channels)


@dataclass(frozen=True)
class Arrangement:
    """A value of any other shape than (1, channels, height, width): which element stands where.

    ``places`` are numbers of elements. ``pixels`` is None: its axes are those between batch and (height, width), and
    it numbers the channels of the parts. ``pixels`` is (height, width), where these are known: its axes are all but the
    batch, and it numbers channels and pixels, (channel * height + y) * width + x.
    """

    parts: tuple[Part, ...]
    places: NDArray[np.int64]
    pixels: tuple[int, int] | None = None


def joined(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Make one part of neighbours that continue each other."""
    result: list[Part] = []
    for part in parts:
        last = result[-1] if result else None
        if (
            last is not None
            and (last.tensor, last.padding) == (part.tensor, part.padding)
            and last.channels.stop == part.channels.start
        ):
            result[-1] = replace(last, channels=range(last.channels.start, part.channels.stop))
        else:
            result.append(part)
    return tuple(result)


def selected(parts: Sequence[Part], channels: Iterable[int]) -> tuple[Part, ...]:
    """Return some channels of a value, in the order given."""
    single = [replace(part, channels=range(c, c + 1)) for part in parts for c in part.channels]
    return joined(single[channel] for channel in channels)


def padded(part: Part, amounts: Edges) -> Part | None:
    """Return the part with more padding or cropped; None where a crop would have to be undone by zeros."""
    if any(old < 0 < more for old, more in zip(part.padding, amounts, strict=True)):
        return None
    top, left, bottom, right = (old + more for old, more in zip(part.padding, amounts, strict=True))
    return replace(part, padding=(top, left, bottom, right))


def simplified(arrangement: Arrangement) -> tuple[Part, ...] | Arrangement:
    """Return the parts, if the arrangement is only a choice of channels of all pixels."""
    places, pixels = arrangement.places, arrangement.pixels
    if pixels is None:
        return selected(arrangement.parts, places.tolist()) if places.ndim == 1 else arrangement
    count = pixels[0] * pixels[1]
    if places.ndim == 1 and count == 1:
        return selected(arrangement.parts, places.tolist())
    if places.ndim == 3 and places.shape[1:] == pixels:
        by_channel = places.reshape(-1, count)
        if np.array_equal(by_channel, by_channel[:, :1] // count * count + np.arange(count)):
            return selected(arrangement.parts, (by_channel[:, 0] // count).tolist())
    return arrangement
