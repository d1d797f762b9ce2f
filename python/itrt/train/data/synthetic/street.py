"""A random street: what stands on it, what moves, its ground and its light."""

from dataclasses import dataclass

import numpy as np

from itrt.train.data.camvid import CLASS_NAMES
from itrt.train.data.synthetic.shapes import Shape, Surface, Triple

SKY, BUILDING, POLE, ROAD, PAVEMENT, TREE, SIGN, FENCE, CAR, PEDESTRIAN, BICYCLIST = range(len(CLASS_NAMES))

_WALLS: tuple[Triple, ...] = (
    (0.62, 0.42, 0.33), (0.72, 0.66, 0.56), (0.55, 0.53, 0.50), (0.80, 0.75, 0.66), (0.48, 0.34, 0.28),
    (0.66, 0.60, 0.62),
)  # fmt: skip
_PAINTS: tuple[Triple, ...] = (
    (0.75, 0.76, 0.78), (0.12, 0.12, 0.14), (0.55, 0.08, 0.08), (0.10, 0.18, 0.42), (0.82, 0.82, 0.80),
    (0.30, 0.32, 0.34), (0.16, 0.30, 0.20), (0.70, 0.55, 0.20),
)  # fmt: skip
_CLOTHES: tuple[Triple, ...] = (
    (0.15, 0.16, 0.20), (0.60, 0.15, 0.15), (0.20, 0.32, 0.55), (0.75, 0.72, 0.65), (0.25, 0.40, 0.25),
    (0.80, 0.60, 0.20), (0.38, 0.26, 0.22),
)  # fmt: skip
_SKIN: Triple = (0.72, 0.52, 0.42)
_METAL: Triple = (0.34, 0.35, 0.36)
_DARK: Triple = (0.06, 0.06, 0.07)


@dataclass(frozen=True)
class Street:
    """A street along z.

    Parameters
    ----------
    shapes
        Everything that stands on the ground.
    road, pavement
        Metres from the middle of the road to the kerb, and to the far edge of the pavement.
    crossing
        From and to which z another street crosses.
    sun
        Direction towards the sun, a unit vector.
    sunlight, skylight
        How bright direct and diffuse light are; an overcast day has little of the first.
    haze
        Metres after which a colour has faded by 63 %.
    seed
        Of what is painted on surfaces.
    """

    shapes: tuple[Shape, ...]
    road: float
    pavement: float
    crossing: tuple[float, float]
    sun: Triple
    sunlight: float
    skylight: float
    haze: float
    seed: int


def random_street(random: np.random.Generator, length: float = 90.0) -> Street:
    """Build a street of some length, in metres ahead of z = 0."""
    road, pavement = random.uniform(3.9, 5.4), random.uniform(2.0, 3.5)
    start = random.uniform(18, 60)
    crossing = (start, start + random.uniform(6, 9))
    shapes: list[Shape] = []
    for side in (-1, 1):
        _build_houses(shapes, random, side, road + pavement, crossing, length)
        _plant_kerb(shapes, random, side, road, crossing, length)
        _park_cars(shapes, random, side, road, crossing, length)
    _add_traffic(shapes, random, road, length)
    _add_people(shapes, random, road, pavement, length)
    elevation, azimuth = random.uniform(0.45, 1.1), random.uniform(-np.pi, np.pi)
    sun = (np.cos(elevation) * np.sin(azimuth), np.sin(elevation), np.cos(elevation) * np.cos(azimuth))
    clear = random.uniform(0, 1)
    return Street(
        shapes=tuple(shapes),
        road=road,
        pavement=road + pavement,
        crossing=crossing,
        sun=(float(sun[0]), float(sun[1]), float(sun[2])),
        sunlight=0.15 + 0.75 * clear,
        skylight=0.60 - 0.22 * clear,
        haze=random.uniform(250, 900),
        seed=int(random.integers(1 << 30)),
    )


def _colour(random: np.random.Generator, choices: tuple[Triple, ...]) -> Triple:
    red, green, blue = choices[int(random.integers(len(choices)))]
    light = random.uniform(0.85, 1.15)
    return red * light, green * light, blue * light


def _on_ground(
    solid: str, x: float, z: float, width: float, height: float, depth: float, label: int, colour: Triple,
    surface: Surface = "plain", base: float = 0.0, velocity: float = 0.0,
) -> Shape:  # fmt: skip
    """A shape by its extents and the height of its lowest point, metres."""
    centre, half = (x, base + height / 2, z), (width / 2, height / 2, depth / 2)
    return Shape("box" if solid == "box" else "ellipsoid", centre, half, label, colour, surface, velocity)


def _build_houses(
    shapes: list[Shape], random: np.random.Generator, side: int, edge: float, crossing: tuple[float, float],
    length: float,
) -> None:  # fmt: skip
    """Houses in a row, with gaps that a fence or a hedge closes; the last one closes the street."""
    z = -6.0
    while z < length:
        depth = random.uniform(7, 18)
        if z < crossing[1] and z + depth > crossing[0]:  # the row is open where the other street leaves
            z = crossing[1] + 0.5
            continue
        front = edge + random.uniform(0, 0.6)
        kind = random.uniform()
        if kind < 0.72:
            height, width = random.uniform(5.5, 15), random.uniform(8, 12)
            x = side * (front + width / 2)
            shapes.append(_on_ground("box", x, z + depth / 2, width, height, depth, BUILDING, _colour(random, _WALLS),
                                     "facade"))  # fmt: skip
            roof = (0.32, 0.22, 0.20) if random.uniform() < 0.5 else (0.28, 0.29, 0.31)
            shapes.append(_on_ground("box", x, z + depth / 2, width + 0.5, 0.5, depth + 0.2, BUILDING, roof,
                                     base=height))  # fmt: skip
        elif kind < 0.9:
            height = random.uniform(0.9, 1.8)
            brown = (0.46, 0.36, 0.26) if random.uniform() < 0.6 else (0.36, 0.38, 0.38)
            shapes.append(_on_ground("box", side * (front + 0.1), z + depth / 2, 0.12, height, depth, FENCE, brown,
                                     "pickets"))  # fmt: skip
            _plant_tree(shapes, random, side * (front + random.uniform(3, 6)), z + depth / 2)
        else:
            shapes.append(_on_ground("box", side * (front + 0.5), z + depth / 2, 1.0, random.uniform(0.8, 1.6), depth,
                                     TREE, (0.16, 0.27, 0.12), "leaves"))  # fmt: skip
            _plant_tree(shapes, random, side * (front + random.uniform(3, 7)), z + depth / 2)
        z += depth + (random.uniform(0, 2) if random.uniform() < 0.3 else 0.0)
    if random.uniform() < 0.5:  # something closes the view, or the sky meets the road
        shapes.append(_on_ground("box", side * random.uniform(4, 16), length + 8, 24, random.uniform(4, 12), 8,
                                 BUILDING, _colour(random, _WALLS), "facade"))  # fmt: skip
    else:
        for _ in range(3):
            _plant_tree(shapes, random, side * random.uniform(1, 14), length + random.uniform(2, 10))


def _plant_tree(shapes: list[Shape], random: np.random.Generator, x: float, z: float) -> None:
    height, spread = random.uniform(4.5, 9), random.uniform(1.4, 2.8)
    trunk = height * random.uniform(0.3, 0.45)
    shapes.append(_on_ground("box", x, z, 0.28, trunk + 0.5, 0.28, TREE, (0.27, 0.20, 0.15)))
    green = _colour(random, ((0.20, 0.33, 0.12), (0.27, 0.38, 0.14), (0.16, 0.28, 0.14), (0.36, 0.36, 0.14)))
    for _ in range(3):
        width, crown = spread * random.uniform(0.7, 1.1), (height - trunk) * random.uniform(0.6, 0.9)
        offset = random.uniform(-0.5, 0.5, 2) * spread
        base = trunk + random.uniform(0, height - trunk - crown)
        shapes.append(_on_ground("ellipsoid", x + offset[0], z + offset[1], 2 * width, crown, 2 * width, TREE, green,
                                 "leaves", base=base))  # fmt: skip


def _plant_kerb(
    shapes: list[Shape], random: np.random.Generator, side: int, road: float, crossing: tuple[float, float],
    length: float,
) -> None:  # fmt: skip
    """Trees, lamp posts and signs along the kerb."""
    z, x = random.uniform(3, 12), side * (road + 0.5)
    while z < length:
        kind = random.uniform()
        if crossing[0] - 1 < z < crossing[1] + 1:
            pass
        elif kind < 0.35:
            _plant_tree(shapes, random, x + side * 0.3, z)
        elif kind < 0.65:
            height = random.uniform(5, 7)
            shapes.append(_on_ground("box", x, z, 0.16, height, 0.16, POLE, _METAL))
            shapes.append(_on_ground("box", x - side * 0.7, z, 1.5, 0.1, 0.1, POLE, _METAL, base=height - 0.1))
        else:
            _put_sign(shapes, random, x, z)
        z += random.uniform(7, 15)


def _put_sign(shapes: list[Shape], random: np.random.Generator, x: float, z: float) -> None:
    height = random.uniform(2.3, 3.0)
    shapes.append(_on_ground("box", x, z, 0.1, height, 0.1, POLE, _METAL))
    colour = _colour(random, ((0.75, 0.10, 0.10), (0.10, 0.25, 0.62), (0.85, 0.70, 0.10), (0.86, 0.86, 0.86)))
    solid = "ellipsoid" if random.uniform() < 0.6 else "box"
    shapes.append(_on_ground(solid, x, z - 0.1, 0.75, 0.75, 0.06, SIGN, colour, base=height - 0.5))


def _park_cars(
    shapes: list[Shape], random: np.random.Generator, side: int, road: float, crossing: tuple[float, float],
    length: float,
) -> None:  # fmt: skip
    if random.uniform() < 0.3:
        return
    z = random.uniform(5, 14)
    while z < length:
        clear = z > crossing[1] + 4 or z < crossing[0] - 4
        if clear and random.uniform() < 0.6:
            _put_car(shapes, random, side * (road - 0.95), z)
        z += random.uniform(5.4, 8)


def _put_car(shapes: list[Shape], random: np.random.Generator, x: float, z: float, velocity: float = 0.0) -> None:
    """A body, a cabin with windows, four wheels, lights; a van's cabin is as long as its body."""
    paint, van = _colour(random, _PAINTS), random.uniform() < 0.15
    length, width = random.uniform(3.9, 4.8), random.uniform(1.7, 1.9)
    body, cabin = random.uniform(0.6, 0.7), random.uniform(1.0, 1.3) if van else random.uniform(0.55, 0.65)
    shapes.append(_on_ground("box", x, z, width, body, length, CAR, paint, "car", base=0.3, velocity=velocity))
    share = 0.96 if van else random.uniform(0.45, 0.6)
    shapes.append(_on_ground("box", x, z - 0.1, width - 0.14, cabin, length * share, CAR, paint, "glass",
                             base=0.3 + body, velocity=velocity))  # fmt: skip
    for across in (-1, 1):
        for along in (-1, 1):
            shapes.append(_on_ground("ellipsoid", x + across * (width / 2 - 0.06), z + along * 0.32 * length, 0.24,
                                     0.66, 0.66, CAR, _DARK, velocity=velocity))  # fmt: skip


def _add_traffic(shapes: list[Shape], random: np.random.Generator, road: float, length: float) -> None:
    """Cars in both lanes, on the left of the road as in Cambridge, and cyclists near the kerb."""
    for side, speed in ((-1, random.uniform(5, 10)), (1, -random.uniform(6, 12))):
        z = random.uniform(12, 45)
        for _ in range(int(random.integers(0, 4))):
            _put_car(shapes, random, side * (0.25 * road + 0.3), z, speed)
            z += random.uniform(10, 30)
    for _ in range(int(random.integers(0, 4))):
        side = -1 if random.uniform() < 0.6 else 1
        x, z = side * (road - random.uniform(0.5, 1.6)), random.uniform(6, 0.4 * length)
        _put_cyclist(shapes, random, x, z, -side * random.uniform(3, 5))


def _put_cyclist(shapes: list[Shape], random: np.random.Generator, x: float, z: float, velocity: float) -> None:
    coat, trousers = _colour(random, _CLOTHES), _colour(random, _CLOTHES)
    parts: tuple[tuple[float, float, float, float, float, Triple], ...] = (
        # z offset, width, height, depth, base
        (-0.5, 0.06, 0.68, 0.68, 0.0, _DARK),
        (0.5, 0.06, 0.68, 0.68, 0.0, _DARK),
        (0.0, 0.08, 0.14, 1.0, 0.5, _METAL),
        (-0.1, 0.36, 0.75, 0.4, 0.45, trousers),
        (0.05, 0.46, 0.72, 0.55, 0.95, coat),
        (0.2, 0.22, 0.28, 0.24, 1.55, _SKIN),
    )
    for offset, width, height, depth, base, colour in parts:
        shapes.append(_on_ground("ellipsoid", x, z + offset, width, height, depth, BICYCLIST, colour, base=base,
                                 velocity=velocity))  # fmt: skip


def _add_people(shapes: list[Shape], random: np.random.Generator, road: float, pavement: float, length: float) -> None:
    for _ in range(int(random.integers(2, 9))):
        side = -1 if random.uniform() < 0.5 else 1
        x = side * (road + random.uniform(0.3, max(pavement - 0.3, 0.4)))
        if random.uniform() < 0.12:
            x = random.uniform(-0.8, 0.8) * road  # crossing the road
        _put_person(shapes, random, x, random.uniform(5, 0.5 * length), random.uniform(-1.5, 1.5))


def _put_person(shapes: list[Shape], random: np.random.Generator, x: float, z: float, velocity: float) -> None:
    size = random.uniform(0.6, 0.75) if random.uniform() < 0.12 else random.uniform(0.93, 1.07)
    coat, trousers, step = _colour(random, _CLOTHES), _colour(random, _CLOTHES), random.uniform(0.0, 0.22)
    for offset in (-1, 1):
        shapes.append(_on_ground("box", x + 0.09 * offset * size, z + step * offset, 0.15 * size, 0.9 * size,
                                 0.17 * size, PEDESTRIAN, trousers, velocity=velocity))  # fmt: skip
        shapes.append(_on_ground("ellipsoid", x + 0.25 * offset * size, z - step * offset, 0.13 * size, 0.65 * size,
                                 0.16 * size, PEDESTRIAN, coat, base=0.8 * size, velocity=velocity))  # fmt: skip
    shapes.append(_on_ground("ellipsoid", x, z, 0.46 * size, 0.78 * size, 0.3 * size, PEDESTRIAN, coat,
                             base=0.75 * size, velocity=velocity))  # fmt: skip
    shapes.append(_on_ground("ellipsoid", x, z, 0.21 * size, 0.27 * size, 0.23 * size, PEDESTRIAN, _SKIN,
                             base=1.5 * size, velocity=velocity))  # fmt: skip
