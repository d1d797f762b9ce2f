"""Random scale, crop, flip and pasting of images and their labels; pure functions of the random generator."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from itrt.train.data import Image
from itrt.train.photometric import add_noise, blur, change_light, jitter_colour
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
    top, left = _window_corner(label, window, recipe, ignore_index, random)
    # Only the window is resized, not the image: that is what makes this cheap. Pillow checks the box exactly.
    box = (left, top, min(left + window[1], image.shape[1]), min(top + window[0], image.shape[0]))
    bilinear, nearest = PillowImage.Resampling.BILINEAR, PillowImage.Resampling.NEAREST
    sample = np.asarray(PillowImage.fromarray(image).resize((width, height), bilinear, box=box))
    target = np.asarray(PillowImage.fromarray(label).resize((width, height), nearest, box=box))
    if random.uniform() < recipe.flip:
        sample, target = sample[:, ::-1], target[:, ::-1]
    sample = jitter_colour(sample, recipe.colour, random)
    sample = change_light(sample, recipe.light, random)
    sample = blur(sample, recipe.blur, random)
    sample = add_noise(sample, recipe.noise, random)
    return sample, np.ascontiguousarray(target)


def paste_classes(
    under: tuple[Image, Image], over: tuple[Image, Image], ignore_index: int, random: np.random.Generator
) -> tuple[Image, Image]:
    """Paste half of the classes of one sample, rounded down, over another: ClassMix (arXiv 2007.07936).

    Parameters
    ----------
    under, over
        Images uint8 (H, W, 3) and labels uint8 (H, W), all of one height and width.
    ignore_index
        The label of pixels that are never pasted.

    Returns
    -------
    image, label
        New arrays of the same shapes.
    """
    classes = _classes_of(over[1], ignore_index)
    is_chosen = np.zeros(256, np.bool_)
    is_chosen[random.choice(classes, len(classes) // 2, replace=False)] = True
    pasted = is_chosen[over[1]]
    return np.where(pasted[:, :, None], over[0], under[0]), np.where(pasted, over[1], under[1])


def _window_corner(
    label: Image, window: tuple[float, float], recipe: Recipe, ignore_index: int, random: np.random.Generator
) -> tuple[float, float]:
    """Draw the top left corner of a window inside the image; often enough, around a pixel of a drawn class.

    Every class of the image is drawn as often as any other: a bicyclist as often as the road.
    """
    lowest = np.zeros(2)
    highest = np.array(label.shape, np.float64) - window
    classes = _classes_of(label, ignore_index) if recipe.class_crop > 0 else ()
    if len(classes) and random.uniform() < recipe.class_crop:
        pixels = np.flatnonzero(label == random.choice(classes))
        pixel = np.array(np.unravel_index(pixels[random.integers(len(pixels))], label.shape))
        lowest, highest = np.clip((pixel + 1 - window, pixel), lowest, highest)
    top, left = random.uniform(lowest[0], highest[0]), random.uniform(lowest[1], highest[1])
    return float(top), float(left)


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


def _classes_of(label: Image, ignore_index: int) -> NDArray[np.intp]:
    counts = np.bincount(label.reshape(-1), minlength=256)  # much faster than np.unique
    counts[ignore_index] = 0
    return np.flatnonzero(counts)
