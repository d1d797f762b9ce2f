"""Small street scenes drawn with numpy, so that everything can be tried without a data set.

Sky, building, pole, road, pavement, tree, sign, fence, car, pedestrian, bicyclist: CamVid's classes, as rectangles
and ellipses with noise. They can be learned in a few epochs; they are of no use for real images.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from itrt.train.camvid import CLASS_NAMES, IGNORE_INDEX, PALETTE
from itrt.train.data import Image, ImageSet, SegmentationData

SKY, BUILDING, POLE, ROAD, PAVEMENT, TREE, SIGN, FENCE, CAR, PEDESTRIAN, BICYCLIST = range(len(CLASS_NAMES))

# A colour near which a class is painted: not the palette, so that a picture of labels is not mistaken for an image.
_PAINT = np.array(
    [
        (190, 210, 235), (140, 110, 95), (90, 90, 95), (80, 80, 85), (165, 160, 150), (60, 105, 50),
        (200, 60, 50), (120, 95, 70), (50, 70, 150), (170, 120, 100), (220, 190, 60), (20, 20, 20),
    ],
    dtype=np.float32,
)  # fmt: skip


def draw_scene(height: int, width: int, random: np.random.Generator) -> tuple[Image, Image]:
    """Draw one scene: image uint8 (height, width, 3) and label uint8 (height, width)."""
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    y, x = (rows + 0.5) / height, (columns + 0.5) / width
    label = np.full((height, width), SKY, dtype=np.uint8)

    def rectangle(centre: float, half_width: float, top: float, bottom: float, kind: int) -> None:
        label[(np.abs(x - centre) < half_width) & (y >= top) & (y < bottom)] = kind

    def ellipse(centre: tuple[float, float], radius: tuple[float, float], kind: int) -> None:
        inside: NDArray[np.bool_] = ((x - centre[0]) / radius[0]) ** 2 + ((y - centre[1]) / radius[1]) ** 2 < 1
        label[inside] = kind

    horizon = random.uniform(0.4, 0.55)
    for _ in range(random.integers(2, 5)):
        rectangle(random.uniform(), random.uniform(0.08, 0.2), random.uniform(0.1, 0.3), horizon, BUILDING)
    for _ in range(random.integers(1, 4)):
        ellipse((random.uniform(), horizon - 0.1), (random.uniform(0.05, 0.12), random.uniform(0.1, 0.2)), TREE)
    rectangle(random.uniform(), random.uniform(0.1, 0.3), horizon - 0.08, horizon, FENCE)
    label[y >= horizon] = PAVEMENT
    vanishing, slope = random.uniform(0.4, 0.6), random.uniform(0.7, 1.1)
    label[(y >= horizon) & (np.abs(x - vanishing) < slope * (y - horizon) + 0.02)] = ROAD
    for _ in range(random.integers(1, 4)):
        centre, bottom, size = random.uniform(), random.uniform(horizon + 0.08, 0.9), random.uniform(0.04, 0.1)
        rectangle(centre, size, bottom - size, bottom, CAR)
    for kind in (PEDESTRIAN, BICYCLIST):
        centre, bottom, size = random.uniform(), random.uniform(horizon + 0.1, 0.95), random.uniform(0.015, 0.03)
        rectangle(centre, size, bottom - 6 * size, bottom, kind)
    centre = random.uniform()
    rectangle(centre, 0.008, 0.15, horizon + 0.1, POLE)
    ellipse((centre, 0.18), (0.04, 0.05), SIGN)
    label[y > random.uniform(0.95, 0.99)] = IGNORE_INDEX

    light = random.uniform(0.8, 1.2)
    grain = random.normal(0, 10, (height, width, 1)) + random.normal(0, 4, (height, width, 3))
    image = (_PAINT + random.normal(0, 8, _PAINT.shape))[label] * light + grain
    return np.clip(np.rint(image), 0, 255).astype(np.uint8), label


def synthetic_data(
    train: int = 64, validation: int = 16, height: int = 120, width: int = 160, seed: int = 0
) -> SegmentationData:
    """Draw a data set of ``train`` and ``validation`` scenes; the same arguments give the same pixels."""
    sets = []
    for split, count in enumerate((train, validation)):
        scenes = [draw_scene(height, width, np.random.default_rng((seed, split, index))) for index in range(count)]
        sets.append(ImageSet([image for image, _ in scenes], [label for _, label in scenes]))
    return SegmentationData(sets[0], sets[1], CLASS_NAMES, PALETTE, IGNORE_INDEX)


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
