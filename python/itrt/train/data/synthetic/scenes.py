"""Scenes, data sets and videos of drawn streets: everything follows from the seed."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage

from itrt.errors import InvalidArgumentError
from itrt.train.data.camvid import CLASS_NAMES, IGNORE_INDEX, PALETTE
from itrt.train.data.segmentation import Colour, Image, ImageSet, SegmentationData
from itrt.train.data.synthetic.camera import Camera
from itrt.train.data.synthetic.render import photograph, render
from itrt.train.data.synthetic.street import Street, random_street

_SPLITS = {"train": 64, "val": 16, "test": 16}  # how many scenes


def draw_scene(height: int, width: int, random: np.random.Generator) -> tuple[Image, Image]:
    """Draw one scene: image uint8 (height, width, 3) and label uint8 (height, width), CamVid's classes."""
    street = random_street(random)
    camera = _random_camera(street, random)
    colour, label = render(street, camera, height, width)
    return photograph(colour, label, random.uniform(0.75, 1.25), _random_bonnet(random), random)


def synthetic_data(
    train: int = _SPLITS["train"],
    validation: int = _SPLITS["val"],
    height: int = 120,
    width: int = 160,
    seed: int = 0,
) -> SegmentationData:
    """Draw a data set of ``train`` and ``validation`` scenes; the same arguments give the same pixels."""
    first, second = (_draw_set(split, count, height, width, seed) for split, count in enumerate((train, validation)))
    return SegmentationData(first, second, CLASS_NAMES, PALETTE, IGNORE_INDEX)


def synthetic_video(
    frames: int, height: int = 120, width: int = 160, seed: int = 0, speed: float = 6.0, frame_rate: float = 15.0
) -> Iterator[tuple[Image, Image]]:
    """Drive along a street and yield an image and its label a frame, as `draw_scene` gives them.

    Parameters
    ----------
    frames
        How many.
    speed
        Of the camera, metres a second; cars, cyclists and pedestrians have their own.
    frame_rate
        Frames a second; CamVid's is 15 where it is labelled densely.
    """
    if frames < 1 or frame_rate <= 0:
        raise InvalidArgumentError(
            f"frames, frame_rate: expected at least 1 and more than 0, found {frames} and {frame_rate}"
        )
    random = np.random.default_rng((seed, frames))
    duration = frames / frame_rate
    street = random_street(random, length=90.0 + max(speed, 0.0) * duration)
    start, bonnet, exposure = _random_camera(street, random), _random_bonnet(random), random.uniform(0.75, 1.25)
    for frame in range(frames):
        seconds = frame / frame_rate
        x, y, z = start.position
        # A car sways and nods a little; two periods that do not fit together look like chance.
        camera = Camera(
            (x + 0.05 * np.sin(1.7 * seconds), y, z + speed * seconds),
            start.yaw + 0.01 * np.sin(0.9 * seconds),
            start.horizon + 0.004 * np.sin(5.3 * seconds),
            start.focal,
        )
        colour, label = render(street, camera, height, width, seconds)
        yield photograph(colour, label, exposure, bonnet, random)


def write_synthetic(directory: str | Path, data: SegmentationData | None = None) -> Path:
    """Write a data set (``synthetic_data()`` if None) in CamVid's SegNet layout and return its directory."""
    root = Path(directory)
    data = data or synthetic_data()
    for split, images in (("train", data.train), ("val", data.validation)):
        lines = []
        for folder in (split, f"{split}annot"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        for index, (image, label) in enumerate(zip(images.images, images.labels, strict=True)):
            name = images.names[index] if images.names else f"{index:04d}.png"
            PillowImage.fromarray(image).save(root / split / name)
            PillowImage.fromarray(label).save(root / f"{split}annot" / name)
            lines.append(f"{split}/{name} {split}annot/{name}\n")
        (root / f"{split}.txt").write_text("".join(lines))
    return root


class SyntheticScenes:
    """Drawn scenes of 120x160 as a `DataSource`: what ``--data synthetic`` means."""

    title = "drawn street scenes"
    class_names: tuple[str, ...] = CLASS_NAMES
    palette: tuple[Colour, ...] = PALETTE
    ignore_index = IGNORE_INDEX

    def split(self, name: str, stored: bool = False) -> ImageSet:
        """Draw a split: train (64 scenes), val (16) or test (16). They are in RAM, never stored."""
        if name not in _SPLITS:
            raise InvalidArgumentError(f"split: expected one of {', '.join(_SPLITS)}, found {name}")
        return _draw_set(list(_SPLITS).index(name), _SPLITS[name], 120, 160, seed=0)


def _draw_set(split: int, count: int, height: int, width: int, seed: int) -> ImageSet:
    scenes = [draw_scene(height, width, np.random.default_rng((seed, split, index))) for index in range(count)]
    return ImageSet([image for image, _ in scenes], [label for _, label in scenes])


def _random_camera(street: Street, random: np.random.Generator) -> Camera:
    x = -street.road * random.uniform(0.2, 0.45)  # in the left lane
    position = (x, random.uniform(1.2, 1.6), random.uniform(-1, 1))
    return Camera(position, random.normal(0, 0.04), random.uniform(0.42, 0.55), random.uniform(0.75, 1.05))


def _random_bonnet(random: np.random.Generator) -> float:
    """Whether the car's own bonnet is in the picture, and how much of its height it covers."""
    return random.uniform(0.03, 0.10) if random.uniform() < 0.7 else 0.0
