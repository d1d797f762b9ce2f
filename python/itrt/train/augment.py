"""Random scale, crop, flip and colour of one image and its label; a pure function of the random generator."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from itrt.train.data import Image
from itrt.train.recipe import Recipe


def augment(
    image: Image, label: Image, recipe: Recipe, ignore_index: int, random: np.random.Generator
) -> tuple[Image, Image]:
    """Return a random sample of the recipe's crop size.

    Parameters
    ----------
    image, label
        uint8 (H, W, 3) and (H, W).
    ignore_index
        The label of pixels outside the image, when the window that the crop is taken from is larger than the image.

    Returns
    -------
    image, label
        uint8 (crop height, crop width, 3) and (crop height, crop width).
    """
    height, width = recipe.crop
    # Uniform in the logarithm: as much time at half the size as at twice the size.
    scale = float(np.exp(random.uniform(np.log(recipe.scale[0]), np.log(recipe.scale[1]))))
    window = (height / scale, width / scale)
    image, label = _pad_to(image, label, window, recipe, ignore_index)
    top = random.uniform(0, image.shape[0] - window[0])
    left = random.uniform(0, image.shape[1] - window[1])
    # Only the window is resized, not the image: that is what makes this cheap. Pillow checks the box exactly.
    box = (left, top, min(left + window[1], image.shape[1]), min(top + window[0], image.shape[0]))
    bilinear, nearest = PillowImage.Resampling.BILINEAR, PillowImage.Resampling.NEAREST
    sample = np.asarray(PillowImage.fromarray(image).resize((width, height), bilinear, box=box))
    target = np.asarray(PillowImage.fromarray(label).resize((width, height), nearest, box=box))
    if random.uniform() < recipe.flip:
        sample, target = sample[:, ::-1], target[:, ::-1]
    return jitter_colour(sample, recipe.colour, random), np.ascontiguousarray(target)


def jitter_colour(image: Image, strength: float, random: np.random.Generator) -> Image:
    """Change saturation, contrast, brightness and the gain of each channel by factors within 1 +- ``strength``."""
    if strength == 0:
        return np.ascontiguousarray(image)
    contrast, saturation, brightness = random.uniform(-strength, strength, 3) + 1.0
    gain = random.uniform(-strength, strength, 3) / 3 + 1.0
    pixels = image.astype(np.float32)
    grey = pixels.mean(axis=2, keepdims=True)
    pixels = grey + (pixels - grey) * np.float32(saturation)
    mean = np.float32(grey.mean())
    factor: NDArray[np.float32] = (contrast * brightness * gain).astype(np.float32)
    offset: NDArray[np.float32] = (mean * (1 - contrast) * brightness * gain).astype(np.float32)
    changed: Image = np.clip(np.rint(pixels * factor + offset), 0, 255).astype(np.uint8)
    return changed


def _pad_to(
    image: Image, label: Image, window: tuple[float, float], recipe: Recipe, ignore_index: int
) -> tuple[Image, Image]:
    missing = [max(0, int(np.ceil(size)) - have) for size, have in zip(window, label.shape, strict=True)]
    if not any(missing):
        return image, label
    rows, columns = ((count // 2, count - count // 2) for count in missing)
    # The mean colour becomes 0 after normalization: what the convolutions' own padding looks like.
    colour = np.rint(255 * np.array(recipe.mean)).astype(np.uint8)
    padded = np.empty((image.shape[0] + missing[0], image.shape[1] + missing[1], 3), np.uint8)
    padded[:] = colour
    padded[rows[0] : rows[0] + image.shape[0], columns[0] : columns[0] + image.shape[1]] = image
    return padded, np.pad(label, (rows, columns), constant_values=ignore_index)
