"""Model.run, taps and arena_bytes: images in, labels out, and every wrong argument."""

from pathlib import Path

import numpy as np
import pytest

import itrt
from itrt.errors import InvalidArgumentError, MissingFileError
from itrt.format import to_bytes
from reference.programs import Choices, random_image, random_program
from reference.small_program import small_program

pillow = pytest.importorskip("PIL.Image")


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (97, 103), (64, 48)])
def test_labels_and_logits_of_any_size(limited: itrt.Model, size: tuple[int, int]) -> None:
    result = limited.run(random_image(1, *size))
    assert result.labels.shape == size
    assert result.labels.dtype == np.uint8
    assert result.labels.max() < 11
    logits = result.logits()
    assert logits.dtype == np.float32
    assert logits.shape == (11, (size[0] + 3) // 4, (size[1] + 3) // 4)
    assert logits.flags.c_contiguous
    assert result.colors().shape == (*size, 3)


def test_logits_are_the_quantized_ones_in_real_units(limited: itrt.Model, image: np.ndarray) -> None:
    result = limited.run(image)
    scale, zero_point = limited.logits_quantization
    assert (round(scale, 6), zero_point) == (0.1, 128)
    expected = (result.quantized_logits.astype(np.float32) - 128) * np.float32(scale)
    np.testing.assert_array_equal(result.logits(), expected.transpose(2, 0, 1))
    np.testing.assert_array_equal(result.colors(), limited.palette[result.labels])


def test_the_default_is_as_trained(limited: itrt.Model, image: np.ndarray) -> None:
    assert limited.run(image).iterations == 2
    np.testing.assert_array_equal(limited.run(image).quantized_logits, limited.run(image, 2).quantized_logits)
    assert not np.array_equal(limited.run(image, 1).quantized_logits, limited.run(image, 2).quantized_logits)


def test_a_result_says_what_it_is(limited: itrt.Model, image: np.ndarray) -> None:
    assert (
        repr(limited.run(image, 3)) == "Result(model='small', height=45, width=62, iterations=3, stopped='iterations')"
    )


@pytest.mark.parametrize(("classes", "dtype"), [(1, np.uint8), (256, np.uint8), (257, np.uint16), (300, np.uint16)])
def test_labels_above_256_classes_have_16_bits(classes: int, dtype: type) -> None:
    model = itrt.load(to_bytes(small_program(None, tuple(f"class {i}" for i in range(classes)))))
    labels = model.run(random_image(3, 50, 60)).labels
    assert labels.dtype == dtype
    assert labels.max() < classes
    assert classes == 1 or labels.max() > classes // 2


def test_an_array_a_file_and_a_pil_image_are_the_same(limited: itrt.Model, image: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    picture = pillow.fromarray(image)
    picture.save(path)
    expected = limited.run(image).quantized_logits
    for source in (path, str(path), picture):
        np.testing.assert_array_equal(limited.run(source).quantized_logits, expected)


def test_other_kinds_of_pictures_become_rgb(limited: itrt.Model, image: np.ndarray, tmp_path: Path) -> None:
    picture = pillow.fromarray(image).convert("L")
    expected = limited.run(np.asarray(picture.convert("RGB"))).quantized_logits
    path = tmp_path / "grey.png"
    picture.save(path)
    np.testing.assert_array_equal(limited.run(path).quantized_logits, expected)
    np.testing.assert_array_equal(limited.run(picture).quantized_logits, expected)
    np.testing.assert_array_equal(limited.run(picture.convert("RGBA")).quantized_logits, expected)


def test_arrays_that_are_not_contiguous(limited: itrt.Model, image: np.ndarray) -> None:
    expected = limited.run(image).quantized_logits
    views = [
        np.asfortranarray(image),
        np.repeat(image, 2, axis=1)[:, ::2],
        np.ascontiguousarray(image[::-1])[::-1],
        np.ascontiguousarray(image.transpose(2, 0, 1)).transpose(1, 2, 0),
    ]
    for view in views:
        assert not view.flags.c_contiguous
        np.testing.assert_array_equal(limited.run(view).quantized_logits, expected)
    read_only = image.copy()
    read_only.setflags(write=False)
    np.testing.assert_array_equal(limited.run(read_only).quantized_logits, expected)


def test_a_bgr_model_gets_its_channels_swapped(image: np.ndarray) -> None:
    rgb, bgr = (itrt.load(to_bytes(random_program(4, Choices(color_order=order)))) for order in ("RGB", "BGR"))
    swapped = np.ascontiguousarray(image[:, :, ::-1])
    np.testing.assert_array_equal(bgr.run(image).quantized_logits, rgb.run(swapped).quantized_logits)
    assert not np.array_equal(bgr.run(image).quantized_logits, rgb.run(image).quantized_logits)


def test_an_image_is_not_changed(limited: itrt.Model, image: np.ndarray) -> None:
    before = image.copy()
    limited.run(image)
    np.testing.assert_array_equal(image, before)


def test_an_image_may_change_after_the_run(limited: itrt.Model, image: np.ndarray) -> None:
    mine = image.copy()
    result = limited.run(mine)
    mine[:] = 0
    np.testing.assert_array_equal(result.labels, limited.run(image).labels)


def test_many_sizes_one_after_another(limited: itrt.Model) -> None:
    """More sizes than sessions that idle, each twice, in another order."""
    sizes = [(10 + 7 * i, 30 - 3 * i) for i in range(8)]
    first = {size: limited.run(random_image(0, *size)).quantized_logits for size in sizes}
    for size in reversed(sizes):
        np.testing.assert_array_equal(limited.run(random_image(0, *size)).quantized_logits, first[size])


def test_a_network_without_a_loop(image: np.ndarray) -> None:
    model = itrt.load(to_bytes(random_program(2, Choices(loop=False))))
    assert model.iterations == model.max_iterations == 1
    result = model.run(image)
    assert result.iterations == 1
    assert [each.iterations for each in model.stream(image)] == [1]
    with pytest.raises(InvalidArgumentError, match="iterations: expected 1 to 1, found 2"):
        model.run(image, 2)


# --- wrong images ---


@pytest.mark.parametrize("dtype", [np.float32, np.int8, np.uint16, np.int64, bool])
def test_another_dtype(limited: itrt.Model, dtype: type) -> None:
    with pytest.raises(InvalidArgumentError, match=f"image: expected dtype uint8 .*, found {np.dtype(dtype)}"):
        limited.run(np.zeros((8, 8, 3), dtype))


@pytest.mark.parametrize(
    "shape", [(), (8,), (8, 8), (8, 8, 1), (8, 8, 4), (3, 8, 8), (1, 8, 8, 3), (0, 8, 3), (8, 0, 3), (8, 8, 0)]
)
def test_another_shape(limited: itrt.Model, shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidArgumentError, match=r"image: expected shape \(height, width, 3\), found \(") as caught:
        limited.run(np.zeros(shape, np.uint8))
    assert str(shape) in str(caught.value)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("image", [None, 7, [[[0, 0, 0]]], b"png", object()])
def test_something_else(limited: itrt.Model, image: object) -> None:
    with pytest.raises(InvalidArgumentError, match="image: expected an array .*, a path or a PIL image, found"):
        limited.run(image)


def test_a_missing_image(limited: itrt.Model, tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"image: expected a file at .*none\.png, found none"):
        limited.run(tmp_path / "none.png")
    with pytest.raises(MissingFileError, match="image: expected a file at .*, found a directory"):
        limited.run(tmp_path)


def test_an_empty_picture(limited: itrt.Model) -> None:
    with pytest.raises(InvalidArgumentError, match="image.*expected"):
        limited.run(pillow.new("RGB", (0, 5)))


def test_a_file_that_is_no_image(limited: itrt.Model, tmp_path: Path) -> None:
    path = tmp_path / "text.png"
    path.write_text("no image")
    with pytest.raises(InvalidArgumentError, match=r"image .*text\.png: expected an image file"):
        limited.run(path)


def test_damaged_image_files(limited: itrt.Model, image: np.ndarray, tmp_path: Path) -> None:
    """Pillow has many ways to fail: each becomes a typed error, or the picture is still one."""
    path = tmp_path / "damaged.png"
    pillow.fromarray(image[:8, :8]).save(path)
    good = path.read_bytes()
    failures = 0
    for at in range(len(good)):
        damaged = bytearray(good)
        damaged[at] ^= 0xFF
        for content in (bytes(damaged), good[:at]):
            path.write_bytes(content)
            try:
                limited.run(path)
            except InvalidArgumentError as error:
                assert "damaged.png: expected an image file" in str(error)
                failures += 1
    assert failures > len(good)


# --- wrong counts ---


@pytest.mark.parametrize("iterations", [0, -1, 4, 10**30])
def test_iterations_out_of_range(limited: itrt.Model, image: np.ndarray, iterations: int) -> None:
    for call in (limited.run, limited.stream, limited.taps):
        with pytest.raises(InvalidArgumentError, match=f"iterations: expected 1 to 3, found {iterations}"):
            call(image, iterations)


def test_iterations_without_a_limit(endless: itrt.Model, image: np.ndarray) -> None:
    assert endless.run(image, 100).iterations == 100
    with pytest.raises(InvalidArgumentError, match="iterations: expected at least 1, found 0"):
        endless.run(image, 0)


@pytest.mark.parametrize("iterations", [1.5, 2.0, True, "2", [2], np.float32(2)])
def test_iterations_that_are_no_integers(limited: itrt.Model, image: np.ndarray, iterations: object) -> None:
    for call in (limited.run, limited.stream, limited.taps):
        with pytest.raises(InvalidArgumentError, match="iterations: expected an integer, found"):
            call(image, iterations)  # type: ignore[operator]


def test_iterations_of_numpy(limited: itrt.Model, image: np.ndarray) -> None:
    assert limited.run(image, np.int64(3)).iterations == 3  # type: ignore[arg-type]


# --- the arena ---


def test_arena_bytes_grow_with_the_image(limited: itrt.Model) -> None:
    small, large = limited.arena_bytes(64, 64), limited.arena_bytes(128, 128)
    assert 64 * 64 * 3 <= small < 64 * 64 * 12
    assert 3.5 < large / small < 4.5
    assert limited.arena_bytes(height=64, width=128) == limited.arena_bytes(height=128, width=64)


@pytest.mark.parametrize("height", [0, -1, 1.5, "8", True, None, 10**30])
def test_arena_bytes_of_no_image(limited: itrt.Model, height: object) -> None:
    with pytest.raises(InvalidArgumentError, match="height: expected"):
        limited.arena_bytes(height, 8)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match="width: expected"):
        limited.arena_bytes(8, height)  # type: ignore[arg-type]


def test_arena_bytes_of_an_image_that_is_too_large(limited: itrt.Model) -> None:
    with pytest.raises(InvalidArgumentError, match="image of 1048576x1048576 .* at most 8 GiB"):
        limited.arena_bytes(1 << 20, 1 << 20)


# --- taps ---


def test_taps_are_all_tensors_of_all_steps(limited: itrt.Model, image: np.ndarray) -> None:
    found = limited.taps(image, 3)
    once = {(name, None) for name in ("image", "features", "state")}
    steps = {(name, step) for name in ("joined", "low", "up", "next", "logits") for step in range(3)}
    assert found.keys() == once | steps
    np.testing.assert_array_equal(found["image", None], image)
    assert all(array.dtype == np.uint8 and array.ndim == 3 for array in found.values())
    for step in range(3):
        np.testing.assert_array_equal(found["logits", step], limited.run(image, step + 1).quantized_logits)


def test_taps_can_be_chosen(limited: itrt.Model, image: np.ndarray) -> None:
    everything = limited.taps(image)
    found = limited.taps(image, names=["low", "image"])
    assert found.keys() == {("image", None), ("low", 0), ("low", 1)}
    for key, array in found.items():
        np.testing.assert_array_equal(array, everything[key])
    assert limited.taps(image, names=[]) == {}


def test_taps_have_memory_of_their_own(limited: itrt.Model, image: np.ndarray) -> None:
    found = limited.taps(image)
    before = {key: array.copy() for key, array in found.items()}
    limited.taps(255 - image)
    for key, array in found.items():
        np.testing.assert_array_equal(array, before[key])


def test_taps_without_a_tensor(limited: itrt.Model, image: np.ndarray) -> None:
    with pytest.raises(InvalidArgumentError, match=r"taps: expected names of tensors \(image, .*\), found 'missing'"):
        limited.taps(image, names=["low", "missing"])


# --- labels of other logits ---


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 10), (4, 5, 12), (0, 5, 11), (4, 0, 11), (1, 4, 5, 11)])
def test_labels_from_other_logits(limited: itrt.Model, shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidArgumentError, match=r"labels: expected logits \(height, width, 11\)"):
        limited.labels_from_logits(np.zeros(shape, np.uint8), 8, 8)
    with pytest.raises(InvalidArgumentError, match="a size of at least one pixel"):
        limited.labels_from_logits(np.zeros((4, 5, 11), np.uint8), 0, 8)
