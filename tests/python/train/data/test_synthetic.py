"""Drawn street scenes and videos."""

import numpy as np
import pytest

from itrt.errors import InvalidArgumentError
from itrt.train import load_data, synthetic_data, synthetic_video
from itrt.train.data import open_source
from itrt.train.data.camvid import CLASS_NAMES
from itrt.train.data.synthetic.camera import Camera
from itrt.train.data.synthetic.shapes import Shape, meet

SKY, ROAD, TREE, CAR = (CLASS_NAMES.index(name) for name in ("sky", "road", "tree", "car"))


def test_scenes_are_reproducible_and_differ() -> None:
    first, again = (synthetic_data(2, 1, 30, 40) for _ in range(2))
    np.testing.assert_array_equal(first.train.images, again.train.images)
    np.testing.assert_array_equal(first.train.labels, again.train.labels)
    assert not np.array_equal(first.train.images[0], first.train.images[1])
    assert not np.array_equal(first.train.images[0], first.validation.images[0])
    assert not np.array_equal(first.train.images[0], synthetic_data(2, 1, 30, 40, seed=1).train.images[0])


def test_scenes_hold_every_class_and_look_like_streets() -> None:
    labels = np.stack(list(synthetic_data(16, 0, 60, 80).train.labels))
    assert set(np.unique(labels)) == set(range(12))
    rows = np.broadcast_to(np.arange(60)[None, :, None], labels.shape)
    assert rows[labels == SKY].max() < 40  # nothing but the horizon's half
    assert rows[labels == ROAD].mean() > 40
    assert 0.15 < np.mean(labels == ROAD) < 0.6


def test_the_same_scene_at_another_size_has_the_same_classes_in_the_same_places() -> None:
    small, large = (synthetic_data(1, 0, height, 2 * height).train.labels[0] for height in (40, 80))
    assert np.mean(large[1::2, 1::2] == small) > 0.9


def test_a_data_source_of_scenes(monkeypatch: pytest.MonkeyPatch) -> None:
    def blank(height: int, width: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros((height, width, 3), np.uint8), np.zeros((height, width), np.uint8)

    monkeypatch.setattr("itrt.train.data.synthetic.scenes.draw_scene", blank)  # they are counted here, not looked at
    source = open_source("synthetic")
    assert [len(source.split(name)) for name in ("train", "val", "test")] == [64, 16, 16]
    assert source.split("val").images[0].shape == (120, 160, 3)
    assert source.class_names == CLASS_NAMES
    with pytest.raises(InvalidArgumentError, match=r"split: expected one of train, val, test, found holiday"):
        source.split("holiday")
    data = load_data("synthetic")
    assert (len(data.train), len(data.validation)) == (64, 16)


def test_a_video_moves_smoothly() -> None:
    frames = list(synthetic_video(6, 60, 80, speed=5.0))
    labels = np.stack([label for _, label in frames])
    images = np.stack([image for image, _ in frames]).astype(float)
    assert images.shape == (6, 60, 80, 3)
    following = np.mean(labels[1:] == labels[:-1])
    assert 0.85 < following < 1
    assert np.mean(labels[0] == labels[-1]) < following  # further apart, less alike
    other = next(synthetic_video(6, 60, 80, seed=1))[0]
    assert np.abs(images[1] - images[0]).mean() < np.abs(images[0] - other).mean()
    with pytest.raises(InvalidArgumentError, match=r"frames, frame_rate"):
        next(synthetic_video(0))


@pytest.mark.parametrize("solid", ["box", "ellipsoid"])
def test_rays_meet_a_solid_on_its_surface(solid: str) -> None:
    """The formula of each surface, at the points found; and from points behind the start there is no meeting."""
    random = np.random.default_rng(0)
    half = np.array((1.0, 0.5, 2.0), np.float32)
    shape = Shape(solid, (0.3, 1.0, 6.0), tuple(half.tolist()), CAR, (0.5, 0.5, 0.5))  # type: ignore[arg-type]
    directions = random.normal((0, 0, 1), 0.15, (500, 3)).astype(np.float32)
    origin = np.array((0.0, 1.2, 0.0), np.float32)
    distance, normals = meet(shape, origin, directions)
    hit = np.isfinite(distance)
    assert 50 < hit.sum() < 450
    local = (origin + distance[hit, None] * directions[hit] - np.array(shape.centre)) / half
    extent = np.abs(local).max(axis=1) if solid == "box" else np.linalg.norm(local, axis=1)
    np.testing.assert_allclose(extent, 1, atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(normals[hit], axis=1), 1, atol=1e-5)
    assert np.all((normals[hit] * directions[hit]).sum(axis=1) < 0)  # outward, towards the camera
    behind, _ = meet(shape, np.array((0.0, 1.2, 20.0), np.float32), directions)
    assert not np.isfinite(behind).any()


def test_a_camera_sees_shapes_inside_of_their_window() -> None:
    camera = Camera((0.0, 1.4, 0.0), 0.1, 0.5, 0.9)
    rays = camera.rays(60, 80)
    random = np.random.default_rng(1)
    seen = 0
    for _ in range(40):
        centre = tuple(random.uniform((-6, 0, -5), (6, 4, 30)).tolist())
        shape = Shape("ellipsoid", centre, tuple(random.uniform(0.2, 2, 3).tolist()), TREE, (0.5, 0.5, 0.5))
        distance, _ = meet(shape, np.array(camera.position, np.float32), rays.reshape(-1, 3))
        hit = np.isfinite(distance).reshape(60, 80)
        window = camera.window(shape.corners(), 60, 80)
        inside = np.zeros((60, 80), bool)
        if window is not None:
            inside[window] = True
        assert not np.any(hit & ~inside)
        assert not hit.any() or distance[hit.ravel()].min() >= camera.nearest(shape.corners()) - 1e-3
        seen += int(hit.any())
    assert seen > 8
