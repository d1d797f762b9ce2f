"""Batches of augmented samples: everything random follows from (seed, epoch, index), so nothing has to be saved."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from itrt.train.augment import augment, paste_classes
from itrt.train.data import Image, SegmentationData
from itrt.train.recipe import Recipe


def batches_per_epoch(recipe: Recipe, data: SegmentationData) -> int:
    """Return the number of optimizer steps of an epoch.

    A last batch that would be smaller is left out (its batch statistics would be noisier), unless it is the only one.
    """
    return max(1, len(data.train) // recipe.batch_size)


def epoch_batches(recipe: Recipe, data: SegmentationData, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the batches of an epoch: images uint8 (N, H, W, 3) and labels int64 (N, H, W).

    The next batch is prepared in a thread while this one is learned from.
    """
    recipe = replace(recipe, crop=recipe.crop_of(epoch))
    order = np.random.default_rng((recipe.seed, epoch)).permutation(len(data.train))
    size = recipe.batch_size
    parts = [order[start * size : (start + 1) * size] for start in range(batches_per_epoch(recipe, data))]

    def prepare(indices: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> tuple[Tensor, Tensor]:
        samples = [_sample(recipe, data, epoch, index) for index in indices.tolist()]
        images = np.stack([image for image, _ in samples])
        labels = np.stack([label for _, label in samples])
        return torch.from_numpy(images), torch.from_numpy(labels).long()

    with ThreadPoolExecutor(max_workers=1) as worker:
        following = worker.submit(prepare, parts[0])
        for part in parts[1:]:
            batch = following.result()
            following = worker.submit(prepare, part)
            yield batch
        yield following.result()


def _sample(recipe: Recipe, data: SegmentationData, epoch: int, index: int) -> tuple[Image, Image]:
    random = np.random.default_rng((recipe.seed, epoch, index))
    sample = _augmented(recipe, data, index, random)
    if recipe.paste > 0 and random.uniform() < recipe.paste:
        other = _augmented(recipe, data, int(random.integers(len(data.train))), random)
        sample = paste_classes(sample, other, data.ignore_index, random)
    return sample


def _augmented(recipe: Recipe, data: SegmentationData, index: int, random: np.random.Generator) -> tuple[Image, Image]:
    return augment(data.train.images[index], data.train.labels[index], recipe, data.ignore_index, random)
