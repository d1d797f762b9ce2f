"""Random numbers that belong to places: the same place has the same number in every frame."""

import numpy as np
from numpy.typing import NDArray

from itrt.train.data.synthetic.shapes import Floats


def speckle(cells: NDArray[np.int32], seed: int) -> Floats:
    """A number from 0 to 1 for each cell, (N, axes) integers: a multiplicative hash of its coordinates."""
    value = np.full(cells.shape[:-1], seed & 0xFFFFFFFF, np.uint32)
    for axis, factor in zip(range(cells.shape[-1]), (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D), strict=False):
        value ^= cells[..., axis].astype(np.uint32) * np.uint32(factor)
        value ^= value >> np.uint32(15)
        value *= np.uint32(0x2C1B3C6D)
        value ^= value >> np.uint32(13)
    return (value >> np.uint32(8)).astype(np.float32) * np.float32(2**-24)


def smooth(places: Floats, seed: int) -> Floats:
    """Numbers from 0 to 1 that change smoothly over places, (N, 2): interpolated between corners of cells."""
    cell = np.floor(places)
    part = places - cell
    ease = (part * part * (3 - 2 * part)).astype(np.float32)
    corner = cell.astype(np.int32)
    low, high = ease[..., 0], ease[..., 1]
    values = [speckle(corner + np.array(step, np.int32), seed) for step in ((0, 0), (1, 0), (0, 1), (1, 1))]
    near = values[0] * (1 - low) + values[1] * low
    far = values[2] * (1 - low) + values[3] * low
    return (near * (1 - high) + far * high).astype(np.float32)
