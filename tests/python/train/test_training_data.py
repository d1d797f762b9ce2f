"""Data in memory, augmentation and batches."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from itrt.errors import InvalidArgumentError
from itrt.train import ImageSet, Recipe, SegmentationData, synthetic_data
from itrt.train.augment import augment, paste_classes
from itrt.train.batches import batches_per_epoch, epoch_batches

RECIPE = Recipe(crop=(48, 64), batch_size=4)


def small_data() -> SegmentationData:
    return synthetic_data(train=10, validation=2, height=60, width=80)


def test_data_that_does_not_fit_together_is_refused() -> None:
    image, label = np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.uint8)
    with pytest.raises(InvalidArgumentError, match=r"labels: expected 1, .* found 0"):
        ImageSet([image], [])
    with pytest.raises(InvalidArgumentError, match=r"names: expected 1 or none, found 2"):
        ImageSet([image], [label], ["a", "b"])
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


def test_class_crops_show_a_rare_class_as_often_as_any_other() -> None:
    label = np.zeros((120, 160), np.uint8)
    label[100:104, 140:144] = 1
    label[:2] = 11
    image = np.zeros((120, 160, 3), np.uint8)
    shares = {}
    for probability in (0.0, 1.0):
        recipe = Recipe(crop=(32, 32), scale=(1.0, 1.0), flip=0.0, class_crop=probability)
        targets = [augment(image, label, recipe, 11, np.random.default_rng(seed))[1] for seed in range(100)]
        shares[probability] = sum(bool(np.any(target == 1)) for target in targets)
    assert shares[0.0] < 15
    assert shares[1.0] > 35


def test_a_class_crop_of_an_image_of_ignored_pixels_is_a_crop() -> None:
    label = np.full((60, 80), 11, np.uint8)
    recipe = Recipe(crop=(32, 32), class_crop=1.0)
    assert augment(np.zeros((60, 80, 3), np.uint8), label, recipe, 11, np.random.default_rng(0))[1].shape == (32, 32)


def test_pasting_takes_whole_classes_and_their_pixels() -> None:
    labels = [np.repeat(np.array(row, np.uint8)[None], 4, axis=0) for row in ([0, 0, 1, 1, 2, 2], [3, 4, 5, 6, 11, 3])]
    images = [np.repeat(label[:, :, None], 3, axis=2) + np.uint8(100 * index) for index, label in enumerate(labels)]
    seen = set()
    for seed in range(20):
        image, label = paste_classes((images[0], labels[0]), (images[1], labels[1]), 11, np.random.default_rng(seed))
        pasted = label == labels[1]
        assert len(np.unique(label[pasted])) == 2  # half of 3, 4, 5, 6: the ignored pixels are no class
        assert 11 not in label
        np.testing.assert_array_equal(label[~pasted], labels[0][~pasted])
        np.testing.assert_array_equal(image, np.where(pasted[:, :, None], images[1], images[0]))
        seen.add(label.tobytes())
    assert len(seen) > 3


def test_early_epochs_have_crops_of_their_own() -> None:
    recipe = dataclasses.replace(RECIPE, early_crop=(16, 24), early_epochs=2)
    sizes = [tuple(next(epoch_batches(recipe, small_data(), epoch))[1].shape[1:]) for epoch in (1, 2, 3)]
    assert sizes == [(16, 24), (16, 24), (48, 64)]


def test_batches_hold_pasted_samples() -> None:
    data = small_data()
    plain, pasted = (next(epoch_batches(dataclasses.replace(RECIPE, paste=paste), data, 1))[1] for paste in (0.0, 1.0))
    assert not plain.equal(pasted)


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
