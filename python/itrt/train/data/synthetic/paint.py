"""What surfaces look like in white light: windows, leaves, pickets, asphalt, markings, clouds."""

import numpy as np
from numpy.typing import NDArray

from itrt.train.data.synthetic.noise import smooth, speckle
from itrt.train.data.synthetic.shapes import Floats, Shape
from itrt.train.data.synthetic.street import PAVEMENT, ROAD, TREE, Street

_GLASS = np.array((0.20, 0.24, 0.28), np.float32)


def surface_colour(shape: Shape, points: Floats, normals: Floats, seed: int) -> Floats:
    """Colours, (N, 3), of points of a shape, (N, 3)."""
    colour = np.broadcast_to(np.asarray(shape.colour, np.float32), points.shape).copy()
    local = points - np.asarray(shape.centre, np.float32)
    match shape.surface:
        case "facade":
            _paint_windows(colour, shape, local, normals, seed)
        case "leaves":
            leaf, twig = (speckle(np.floor(points / size).astype(np.int32), seed) for size in (0.09, 0.31))
            colour *= (0.35 + 0.8 * leaf + 0.5 * twig)[:, None]
        case "pickets":
            gap = np.mod(points[:, 2] / 0.16, 1.0) < 0.35
            colour[gap] *= 0.45
        case "car":
            _paint_lights(colour, shape, local, normals)
        case "glass":
            sides = (np.abs(normals[:, 1]) < 0.5) & (np.abs(local[:, 1]) < 0.8 * shape.half[1])
            colour[sides] = _GLASS
        case "plain":
            pass
    return colour


def _paint_windows(colour: Floats, shape: Shape, local: Floats, normals: Floats, seed: int) -> None:
    """Windows of 1.2 m by 1.5 m, every 2.4 m and every floor of 3 m; some are bright, some have a light frame."""
    side = np.abs(normals[:, 1]) < 0.5
    along = np.where(np.abs(normals[:, 0]) > 0.5, local[:, 2], local[:, 0]) / 2.4
    up = (local[:, 1] + shape.half[1]) / 3.0
    across_cell, up_cell = np.mod(along, 1.0), np.mod(up, 1.0)
    near = side & (np.abs(across_cell - 0.5) < 0.29) & (np.abs(up_cell - 0.55) < 0.29)
    inside = near & (np.abs(across_cell - 0.5) < 0.25) & (np.abs(up_cell - 0.55) < 0.25)
    cell = np.stack([np.floor(along), np.floor(up)], axis=1).astype(np.int32)
    house = seed + int(1000 * shape.centre[2])
    colour *= (0.94 + 0.12 * speckle(np.floor(local / 0.3).astype(np.int32), house))[:, None]
    colour[near] = 0.85
    colour[inside] = _GLASS * (0.6 + 1.2 * speckle(cell[inside], house))[:, None]


def _paint_lights(colour: Floats, shape: Shape, local: Floats, normals: Floats) -> None:
    """Red lights and a number plate behind, white lights in front, which is ahead: cars that come nearer are turned."""
    behind = normals[:, 2] < -0.5
    outer = np.abs(local[:, 0]) > 0.68 * shape.half[0]
    high = local[:, 1] > 0.1 * shape.half[1]
    coming = shape.velocity < 0
    colour[behind & outer & high] = (0.95, 0.93, 0.80) if coming else (0.62, 0.05, 0.05)
    plate = behind & (np.abs(local[:, 0]) < 0.26) & (np.abs(local[:, 1] + 0.1) < 0.06)
    colour[plate] = (0.85, 0.80, 0.40)
    colour[local[:, 1] < -0.75 * shape.half[1]] *= 0.4


def ground(street: Street, points: Floats) -> tuple[Floats, NDArray[np.uint8]]:
    """Colours, (N, 3), and classes, (N,), of points on the ground, (N, 3).

       pavement   road     road   pavement
    grass |   kerb|   ¦ lane ¦   |kerb   | grass          a crossing street is road from side to side
    """
    x, z = points[:, 0], points[:, 2]
    across = np.abs(x)
    crossing = (z > street.crossing[0]) & (z < street.crossing[1])
    road = (across < street.road) | crossing
    pavement = ~road & (across < street.pavement)
    label = np.where(road, ROAD, np.where(pavement, PAVEMENT, TREE)).astype(np.uint8)
    flat = np.stack([x, z], axis=1)
    grain = 0.9 + 0.2 * smooth(flat / 1.7, street.seed) * (0.7 + 0.6 * smooth(flat / 0.35, street.seed + 1))
    colour = np.empty(points.shape, np.float32)
    colour[label == ROAD] = (0.30, 0.30, 0.31)
    colour[label == PAVEMENT] = (0.52, 0.50, 0.47)
    colour[label == TREE] = (0.24, 0.34, 0.14)
    slabs = pavement & ((np.mod(x, 0.9) < 0.05) | (np.mod(z, 0.9) < 0.05))
    colour[slabs] *= 0.85
    colour[pavement & (across < street.road + 0.15)] = (0.64, 0.62, 0.59)
    dashes = (across < 0.07) & (np.mod(z, 6.0) < 3.0)
    edge = np.abs(across - (street.road - 0.3)) < 0.05
    stop = (np.abs(z - street.crossing[0] + 1.2) < 0.2) & (x < 0)
    colour[road & ~crossing & (dashes | edge | stop)] = (0.78, 0.78, 0.74)
    return (colour * grain[:, None]).astype(np.float32), label


def sky(street: Street, directions: Floats) -> Floats:
    """Colours, (N, 3): brighter at the horizon, with clouds; grey on an overcast day."""
    length = np.linalg.norm(directions, axis=1)
    height = np.clip(directions[:, 1] / length, 0.02, 1)
    clear = np.float32((street.sunlight - 0.15) / 0.75)
    blue, grey = np.array((0.36, 0.56, 0.86), np.float32), np.array((0.74, 0.76, 0.79), np.float32)
    top = clear * blue + (1 - clear) * grey
    rise = np.sqrt(height)[:, None]
    colour = (1 - rise) * np.array((0.86, 0.89, 0.92), np.float32) + rise * top
    above = np.maximum(directions[:, 1:2], 0.04)
    plane: Floats = (directions[:, [0, 2]] / above).astype(np.float32)  # clouds lie in a plane
    cloud = 0.6 * smooth(plane * 0.5, street.seed + 2) + 0.4 * smooth(plane * 1.3, street.seed + 3)
    cover = np.clip((cloud - 0.5) * 4, 0, 1)[:, None] * 0.8
    result: Floats = (1 - cover) * colour + cover * np.array((0.93, 0.93, 0.94), np.float32)
    return result
