"""Data in memory, augmentation and batches."""

import subprocess
import sys

import numpy as np
import pytest

from itrt.errors import InvalidArgumentError
from itrt.train import ImageSet, Recipe, SegmentationData, synthetic_data
from itrt.train.augment import augment, jitter_colour
from itrt.train.batches import batches_per_epoch, epoch_batches

RECIPE = Recipe(crop=(48, 64), batch_size=4)


def small_data() -> SegmentationData:
    return synthetic_data(train=10, validation=2, height=60, width=80)


def test_data_that_does_not_fit_together_is_refused() -> None:
    image, label = np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.uint8)
    with pytest.raises(InvalidArgumentError, match=r"labels: expected 1, .* found 0"):
        ImageSet([image], [])
    with pytest.raises(InvalidArgumentError, match=r"image 0: expected uint8"):
        ImageSet([image.astype(np.float32)], [label])  # type: ignore[list-item]
    with pytest.raises(InvalidArgumentError, match=r"train: expected at least 1 image"):
        SegmentationData(ImageSet([], []), ImageSet([], []), ("a",), ((0, 0, 0),), 11)
    with pytest.raises(InvalidArgumentError, match=r"palette: expected 2 colours, found 1"):
        SegmentationData(ImageSet([image], [label]), ImageSet([], []), ("a", "b"), ((0, 0, 0),), 11)


def test_augmentation_keeps_image_and_label_aligned() -> None:
    """An image that is its own label (class 1 white on class 0 black) must stay so, up to interpolated edges."""
    label = np.zeros((60, 80), np.uint8)
    label[10:35, 12:50] = 1
    image = np.repeat(label[:, :, None] * np.uint8(255), 3, axis=2)
    recipe = Recipe(crop=(48, 64), colour=0.0)
    seen = set()
    for seed in range(40):
        sample, target = augment(image, label, recipe, 11, np.random.default_rng(seed))
        assert sample.shape == (48, 64, 3)
        assert target.shape == (48, 64)
        counted = target != 11
        wrong = (sample[:, :, 0] > 127) != (target == 1)
        assert np.mean(wrong[counted]) < 0.03
        seen.add(target.tobytes())
    assert len(seen) == 40


def test_a_window_beyond_the_image_is_ignored_and_has_the_mean_colour() -> None:
    image, label = np.full((20, 30, 3), 7, np.uint8), np.zeros((20, 30), np.uint8)
    recipe = Recipe(crop=(48, 64), scale=(1.0, 1.0), colour=0.0)
    sample, target = augment(image, label, recipe, 11, np.random.default_rng(0))
    assert np.sum(target == 0) == 20 * 30
    assert np.sum(target == 11) == 48 * 64 - 20 * 30
    assert np.all(sample[target == 0] == 7)
    assert np.all(sample[target == 11] == np.rint(255 * np.array(recipe.mean)))


def test_colour_jitter_changes_colours_within_its_strength() -> None:
    image = np.full((4, 4, 3), (60, 120, 180), np.uint8)
    np.testing.assert_array_equal(jitter_colour(image, 0.0, np.random.default_rng(0)), image)
    samples = [jitter_colour(image, 0.2, np.random.default_rng(seed)) for seed in range(20)]
    assert len({sample.tobytes() for sample in samples}) == 20
    assert max(int(np.abs(sample.astype(int) - image).max()) for sample in samples) < 180 * 0.6


def test_batches_depend_on_seed_epoch_and_index_only() -> None:
    data = small_data()
    assert batches_per_epoch(RECIPE, data) == 2  # 10 images, batches of 4: the last two are left out
    first, again, other = (list(epoch_batches(RECIPE, data, epoch)) for epoch in (1, 1, 2))
    assert [tuple(images.shape) for images, _ in first] == [(4, 48, 64, 3)] * 2
    for (images, labels), (images_again, labels_again), (images_other, _) in zip(first, again, other, strict=True):
        assert images.equal(images_again)
        assert labels.equal(labels_again)
        assert not images.equal(images_other)
    assert batches_per_epoch(Recipe(batch_size=64), data) == 1
    assert len(next(epoch_batches(Recipe(batch_size=64, crop=(48, 64)), data, 1))[0]) == 10


def test_data_sets_and_metrics_need_no_torch() -> None:
    program = "import sys; from itrt.train import ConfusionMatrix, load_data; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)
