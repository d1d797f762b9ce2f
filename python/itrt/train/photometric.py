"""Random changes of light, colour and sharpness: other hours, weather and cameras than those of the training images.

Every function takes an image, uint8 (H, W, 3) RGB, and returns a new one; nothing is moved, so labels stay true.
"""

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
    gain = random.uniform(-strength, strength, 3) / 3 + 1.0
    pixels = image.astype(np.float32)
    grey = pixels.mean(axis=2, keepdims=True)
    pixels = grey + (pixels - grey) * np.float32(saturation)
    mean = np.float32(grey.mean())
    factor: NDArray[np.float32] = (contrast * brightness * gain).astype(np.float32)
    offset: NDArray[np.float32] = (mean * (1 - contrast) * brightness * gain).astype(np.float32)
    changed: Image = np.clip(np.rint(pixels * factor + offset), 0, 255).astype(np.uint8)
    return changed


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
    changed: Image = np.stack([table[:, channel][image[:, :, channel]] for channel in range(3)], axis=2)
    return changed


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
    noise = random.standard_normal(image.shape, dtype=np.float32) * deviation
    changed: Image = np.clip(np.rint(image + noise), 0, 255).astype(np.uint8)
    return changed
