"""Changes of light and sharpness: what each may do to an image, and that strength 0 does nothing."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from itrt.train.photometric import add_noise, blur, change_light, jitter_colour

Image = NDArray[np.uint8]
Change = Callable[[Image, float, np.random.Generator], Image]
CHANGES: list[Change] = [jitter_colour, change_light, blur, add_noise]


def picture() -> Image:
    return np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)


@pytest.mark.parametrize("change", CHANGES)
def test_a_strength_of_0_changes_nothing(change: Change) -> None:
    for seed in range(5):
        np.testing.assert_array_equal(change(picture(), 0.0, np.random.default_rng(seed)), picture())


@pytest.mark.parametrize("change", CHANGES)
def test_the_generator_decides(change: Change) -> None:
    first, again, other = (change(picture(), 1.0, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert (first.shape, first.dtype) == ((24, 32, 3), np.uint8)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert not np.array_equal(first, picture())


def test_colour_jitter_stays_within_its_strength() -> None:
    image = np.full((4, 4, 3), (60, 120, 180), np.uint8)
    samples = [jitter_colour(image, 0.2, np.random.default_rng(seed)) for seed in range(20)]
    assert len({sample.tobytes() for sample in samples}) == 20
    assert max(int(np.abs(sample.astype(int) - image).max()) for sample in samples) < 180 * 0.6


def test_light_is_monotonic_in_every_channel_and_reaches_dusk_and_glare() -> None:
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    middles = []
    for seed in range(200):
        changed = change_light(ramp, 0.7, np.random.default_rng(seed)).astype(int)
        assert np.all(np.diff(changed, axis=1) >= 0)
        assert np.all(changed[0, 0] == 0)
        middles.append(changed[0, 128, 1])
    # From 255 * 2**-exp(0.7) / exp(0.7) to 255: the middle of the scale nearly vanishes and is nearly burnt out.
    assert min(middles) < 50
    assert max(middles) > 230


def test_light_may_be_warm_or_cold() -> None:
    grey = np.full((1, 1, 3), 100, np.uint8)
    red, _, blue = np.array([change_light(grey, 0.6, np.random.default_rng(s))[0, 0].astype(int) for s in range(50)]).T
    assert np.any(red > blue + 10)
    assert np.any(blue > red + 10)


def test_blur_keeps_the_mean_and_lowers_the_contrast() -> None:
    changed = blur(picture(), 1.0, np.random.default_rng(0))
    assert float(changed.mean()) == pytest.approx(float(picture().mean()), abs=2)
    assert changed.std() < 0.9 * picture().std()


def test_noise_has_no_bias() -> None:
    grey = np.full((64, 64, 3), 128, np.uint8)
    changed = add_noise(grey, 1.0, np.random.default_rng(3)).astype(float)
    assert 0.5 < changed.std() < 17
    assert changed.mean() == pytest.approx(128, abs=1)


def test_probabilities_are_kept() -> None:
    for change in (blur, add_noise):
        changed = [
            not np.array_equal(change(picture(), 0.25, np.random.default_rng(seed)), picture()) for seed in range(200)
        ]
        assert 25 < sum(changed) < 75
