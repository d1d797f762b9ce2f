"""Random changes of light, colour and sharpness: other hours, weather and cameras than those of the training images.

Every function takes an image, uint8 (H, W, 3) RGB, and returns a new one; nothing is moved, so labels stay true.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL import ImageFilter

from itrt.train.data import Image

_LARGEST_BLUR = 1.5  # pixels, standard deviation
_LARGEST_NOISE = 16.0  # grey levels, standard deviation


def jitter_colour(image: Image, strength: float, random: np.random.Generator) -> Image:
    """Change saturation, contrast, brightness and the gain of each channel by factors within 1 +- ``strength``."""
    if strength == 0:
        return np.ascontiguousarray(image)
    contrast, saturation, brightness = random.uniform(-strength, strength, 3) + 1.0
    gain = brightness * (random.uniform(-strength, strength, 3) / 3 + 1.0)
    # All of it is one matrix and one offset: a product of matrices is several times as fast as steps on three channels.
    towards_grey = saturation * np.eye(3) + (1 - saturation) / 3
    offset = image.mean(dtype=np.float32) * (1 - contrast) * gain
    return _to_bytes(
        image.reshape(-1, 3) @ (towards_grey * contrast * gain).astype(np.float32) + offset.astype(np.float32), image
    )


def change_light(image: Image, strength: float, random: np.random.Generator) -> Image:
    """Change exposure, gamma and the light's colour, as from noon to dusk.

    Gamma and exposure are factors from exp(-strength) to exp(strength); red and blue change in opposite directions (a
    colour temperature) by up to exp(strength / 3). All of it is one table of 256 values a channel.
    """
    if strength == 0:
        return image
    gamma, exposure, temperature = np.exp(random.uniform(-strength, strength, 3) / (1, 1, 3))
    levels = np.linspace(0, 1, 256)[:, None] ** gamma * exposure * (temperature, 1, 1 / temperature)
    table: Image = np.clip(np.rint(255 * levels), 0, 255).astype(np.uint8)
    return np.asarray(PillowImage.fromarray(image).point(table.T.reshape(-1).tolist()))


def blur(image: Image, probability: float, random: np.random.Generator) -> Image:
    """With this probability, blur by a Gaussian of up to 1.5 pixels: a lens out of focus, motion, fog."""
    if random.uniform() >= probability:
        return image
    radius = random.uniform(0.3, _LARGEST_BLUR)
    return np.asarray(PillowImage.fromarray(image).filter(ImageFilter.GaussianBlur(radius)))


def add_noise(image: Image, probability: float, random: np.random.Generator) -> Image:
    """With this probability, add Gaussian noise of up to 16 grey levels: a sensor with little light."""
    if random.uniform() >= probability:
        return image
    deviation = np.float32(random.uniform(1, _LARGEST_NOISE))
    return _to_bytes(image + deviation * random.standard_normal(image.shape, dtype=np.float32), image)


def _to_bytes(pixels: NDArray[np.floating[Any]], like: Image) -> Image:
    rounded = np.rint(pixels, out=pixels)
    changed: Image = np.clip(rounded, 0, 255, out=rounded).astype(np.uint8).reshape(like.shape)
    return changed
