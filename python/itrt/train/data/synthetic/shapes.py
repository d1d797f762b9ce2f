"""The two solids that everything on a street is made of, and where rays meet them.

Coordinates are metres: x to the right, y up (0 is the road), z ahead.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Triple = tuple[float, float, float]
Surface = Literal["plain", "facade", "leaves", "pickets", "car", "glass"]


@dataclass(frozen=True)
class Shape:
    """A box or an ellipsoid along the axes.

    Parameters
    ----------
    solid
        "box" or "ellipsoid".
    centre, half
        Metres: its middle, and half its extent along x, y, z.
    label
        Its class.
    colour
        RGB, 0 to 1, in white light.
    surface
        What is painted on it.
    velocity
        Metres a second along z; positive is away from the camera's start.
    """

    solid: Literal["box", "ellipsoid"]
    centre: Triple
    half: Triple
    label: int
    colour: Triple
    surface: Surface = "plain"
    velocity: float = 0.0

    def at(self, seconds: float) -> "Shape":
        """The shape after some time."""
        x, y, z = self.centre
        return replace(self, centre=(x, y, z + self.velocity * seconds)) if self.velocity else self

    def corners(self) -> Floats:
        """The corners of its bounding box, (8, 3)."""
        signs = np.array([(i, j, k) for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)], np.float32)
        return np.asarray(self.centre, np.float32) + signs * np.asarray(self.half, np.float32)


def meet(shape: Shape, origins: Floats, directions: Floats) -> tuple[Floats, Floats]:
    """Where rays enter a shape.

    Parameters
    ----------
    origins, directions
        (N, 3) or (3,), and (N, 3).

    Returns
    -------
    distance, normal
        (N,) in multiples of the direction, infinite for rays that miss; (N, 3), outward.
    """
    centre, half = np.asarray(shape.centre, np.float32), np.asarray(shape.half, np.float32)
    return (_meet_box if shape.solid == "box" else _meet_ellipsoid)(origins - centre, directions, half)


def _meet_box(origins: Floats, directions: Floats, half: Floats) -> tuple[Floats, Floats]:
    """Between its two planes of every axis: from the last entry to the first exit, if that is any way at all."""
    safe = np.where(np.abs(directions) < 1e-6, np.float32(1e-6), directions)
    first, second = (-half - origins) / safe, (half - origins) / safe
    entries, exits = np.minimum(first, second), np.maximum(first, second)
    axis = entries.argmax(axis=1)
    distance = entries.max(axis=1)
    hit = (distance < exits.min(axis=1)) & (distance > 0)
    rows = np.arange(len(axis))
    normal = np.zeros(entries.shape, np.float32)
    normal[rows, axis] = -np.sign(safe[rows, axis])
    return np.where(hit, distance, np.float32(np.inf)), normal


def _meet_ellipsoid(origins: Floats, directions: Floats, half: Floats) -> tuple[Floats, Floats]:
    """A unit sphere in coordinates divided by the half axes: the smaller root of |o + t d| = 1."""
    o, d = np.broadcast_to(origins / half, directions.shape), directions / half
    a, b, c = (d * d).sum(axis=1), (o * d).sum(axis=1), (o * o).sum(axis=1) - 1
    root = b * b - a * c
    distance = (-b - np.sqrt(np.maximum(root, 0))) / a
    hit = (root > 0) & (distance > 0)
    normal = (o + distance[:, None] * d) / half
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    return np.where(hit, distance, np.float32(np.inf)), normal.astype(np.float32)
