"""From a street and a camera to pixels: rays, shadows, haze; then what a real camera adds."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from itrt.train.data.camvid import IGNORE_INDEX
from itrt.train.data.synthetic.camera import Camera
from itrt.train.data.synthetic.noise import speckle
from itrt.train.data.synthetic.paint import ground, sky, surface_colour
from itrt.train.data.synthetic.shapes import Floats, Shape, meet
from itrt.train.data.synthetic.street import SKY, Street

Pixels = NDArray[np.uint8]

_HAZE_COLOUR = np.array((0.80, 0.84, 0.88), np.float32)
_BONNET_COLOUR = np.array((0.05, 0.055, 0.06), np.float32)


@dataclass
class _Canvas:
    """What has been drawn, the nearest of it: depth along the rays, colour before haze, class."""

    depth: Floats
    colour: Floats
    label: Pixels


def render(street: Street, camera: Camera, height: int, width: int, seconds: float = 0.0) -> tuple[Floats, Pixels]:
    """Draw what a perfect camera sees.

    Returns
    -------
    colour, label
        float32 (height, width, 3), 0 to about 1, linear; uint8 (height, width), CamVid's classes.
    """
    rays = camera.rays(height, width)
    shapes = [shape.at(seconds) for shape in street.shapes]
    shapes.sort(
        key=lambda shape: shape.centre[2] - shape.half[2]
    )  # the nearest first: it hides others, which are skipped
    canvas = _draw_background(street, camera, rays, shapes)
    for shape in shapes:
        _draw(canvas, shape, street, camera, rays)
    fade = np.exp(-np.minimum(canvas.depth, 1e4) / np.float32(street.haze))[..., None]
    fade[canvas.label == SKY] = 1
    return canvas.colour * fade + _HAZE_COLOUR * (1 - fade), canvas.label


def _draw_background(street: Street, camera: Camera, rays: Floats, shapes: list[Shape]) -> _Canvas:
    depth = np.full(rays.shape[:2], np.inf, np.float32)
    label = np.full(rays.shape[:2], SKY, np.uint8)
    colour = np.empty(rays.shape, np.float32)
    above = rays[..., 1] >= -1e-4
    colour[above] = sky(street, rays[above])
    depth[~above] = -camera.position[1] / rays[~above][:, 1]
    origin = np.asarray(camera.position, np.float32)
    points = origin + rays[~above] * depth[~above][:, None]
    paint, label[~above] = ground(street, points)
    light = street.skylight + street.sunlight * street.sun[1] * _sunshine(street, points, shapes)
    colour[~above] = paint * light[:, None]
    return _Canvas(depth, colour, label)


def _sunshine(street: Street, points: Floats, shapes: list[Shape]) -> Floats:
    """1 where the sun reaches points of the ground, (N, 3); 0 in a shadow, 0.4 in that of leaves."""
    lit = np.ones(len(points), np.float32)
    sun = np.asarray(street.sun, np.float32)
    for shape in shapes:
        # A shadow ends where the shape's highest point throws it.
        throw = (shape.centre[1] + shape.half[1]) / sun[1]
        near = np.ones(len(points), bool)
        for axis in (0, 2):
            ends = (0.0, -throw * float(sun[axis]))
            low, high = shape.centre[axis] - shape.half[axis], shape.centre[axis] + shape.half[axis]
            near &= (points[:, axis] > low + min(ends)) & (points[:, axis] < high + max(ends))
        index = np.flatnonzero(near)
        if index.size:
            distance, _ = meet(shape, points[index], np.broadcast_to(sun, (index.size, 3)))
            dark = np.float32(0.4 if shape.surface == "leaves" else 0.0)
            lit[index] = np.where(np.isfinite(distance), np.minimum(lit[index], dark), lit[index])
    return lit


def _draw(canvas: _Canvas, shape: Shape, street: Street, camera: Camera, rays: Floats) -> None:
    window = camera.window(shape.corners(), *canvas.depth.shape)
    if window is None or canvas.depth[window].max() < camera.nearest(shape.corners()):
        return
    directions = rays[window].reshape(-1, 3)
    origin = np.asarray(camera.position, np.float32)
    distance, normals = meet(shape, origin, directions)
    depth = canvas.depth[window].reshape(-1)
    seen = distance < depth
    if shape.surface == "leaves":
        seen &= ~_between_leaves(shape, origin + directions * distance[:, None], normals, directions, street.seed, seen)
    index = np.flatnonzero(seen)
    if not index.size:
        return
    points = origin + directions[index] * distance[index][:, None]
    facing = np.maximum(normals[index] @ np.asarray(street.sun, np.float32), 0)
    # Less of the sky is seen from below; a little light comes back from the ground.
    diffuse = street.skylight * (0.8 + 0.2 * normals[index][:, 1])
    colour = surface_colour(shape, points, normals[index], street.seed) * (diffuse + street.sunlight * facing)[:, None]
    rows, columns = np.unravel_index(index, canvas.depth[window].shape)
    canvas.depth[window][rows, columns] = distance[index]
    canvas.colour[window][rows, columns] = colour
    canvas.label[window][rows, columns] = shape.label


def _between_leaves(
    shape: Shape, points: Floats, normals: Floats, directions: Floats, seed: int, seen: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Where one looks through a crown: in places, the more the nearer they are to its outline."""
    through = np.zeros(len(points), bool)
    index = np.flatnonzero(seen)
    if shape.solid == "ellipsoid" and index.size:
        view = directions[index] / np.linalg.norm(directions[index], axis=1, keepdims=True)
        facing = np.abs((normals[index] * view).sum(axis=1))
        through[index] = speckle(np.floor(points[index] / 0.3).astype(np.int32), seed + 7) > 0.35 + 1.6 * facing
    return through


def photograph(
    colour: Floats, label: Pixels, exposure: float, bonnet: float, random: np.random.Generator
) -> tuple[Pixels, Pixels]:
    """Turn linear light into a picture: the car's own bonnet, blur, vignette, gamma, noise.

    Parameters
    ----------
    colour, label
        Of `render`.
    exposure
        Factor on the light; 1 is right.
    bonnet
        How much of the picture's height it covers, 0 to 1.

    Returns
    -------
    image, label
        uint8 (height, width, 3) and (height, width); the bonnet has CamVid's ignored label.
    """
    height, width = label.shape
    y = (np.arange(height, dtype=np.float32)[:, None] + 0.5) / height
    x = (np.arange(width, dtype=np.float32)[None] + 0.5) / width - 0.5
    hidden = y > 1 - bonnet * (1 - 1.6 * x * x)
    shine = np.broadcast_to((1.9 - y)[..., None] * _BONNET_COLOUR, colour.shape)
    colour = np.where(hidden[..., None], shine, colour)
    vignette = 1 - 0.35 * (x * x + (y - 0.5) ** 2)
    light = _blur(colour) * (vignette * exposure)[..., None]
    # Gamma 2.2 is sRGB's curve within a hundredth; the shoulder keeps a bright sky from turning white at once.
    signal = 255 * (light / (1 + 0.12 * light * light)).clip(0) ** np.float32(1 / 2.2)
    noise = random.normal(0, 2.2, signal.shape) + random.normal(0, 2.5, label.shape)[..., None]
    image = np.clip(np.rint(signal + noise), 0, 255).astype(np.uint8)
    return image, np.where(hidden, np.uint8(IGNORE_INDEX), label)


def _blur(colour: Floats) -> Floats:
    """A lens's: every pixel takes a fifth from each of two neighbours, along both axes."""
    for axis in (0, 1):
        padded = np.pad(colour, [(1, 1) if axis == other else (0, 0) for other in range(3)], mode="edge")
        before, after = (
            padded.take(range(colour.shape[axis]), axis),
            padded.take(range(2, colour.shape[axis] + 2), axis),
        )
        colour = 0.6 * colour + 0.2 * (before + after)
    return colour
