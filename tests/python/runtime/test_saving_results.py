"""Result.save: a palette PNG, whole or not there."""

from pathlib import Path

import numpy as np
import pytest

import itrt
from itrt.errors import InvalidArgumentError, MissingFileError
from itrt.format import to_bytes
from reference.programs import random_image
from reference.small_program import small_program

pillow = pytest.importorskip("PIL.Image")


def test_a_png_with_the_models_palette(limited: itrt.Model, image: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "labels.png"
    result = limited.run(image)
    result.save(path)
    with pillow.open(path) as picture:
        assert picture.format == "PNG"
        assert picture.mode == "P"
        np.testing.assert_array_equal(np.asarray(picture), result.labels)
        np.testing.assert_array_equal(np.asarray(picture.convert("RGB")), result.colors())


def test_all_256_colors(tmp_path: Path) -> None:
    model = itrt.load(to_bytes(small_program(None, tuple(f"class {i}" for i in range(256)))))
    result = model.run(random_image(3, 60, 70))
    result.save(tmp_path / "labels.png")
    with pillow.open(tmp_path / "labels.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), result.labels)
        np.testing.assert_array_equal(np.asarray(picture.convert("RGB")), result.colors())


def test_16_bits_above_256_classes(tmp_path: Path) -> None:
    model = itrt.load(to_bytes(small_program(None, tuple(f"class {i}" for i in range(300)))))
    result = model.run(random_image(3, 60, 70))
    result.save(tmp_path / "labels.png")
    with pillow.open(tmp_path / "labels.png") as picture:
        assert picture.mode == "I;16"
        np.testing.assert_array_equal(np.asarray(picture).astype(np.uint16), result.labels)


def test_a_file_is_replaced(limited: itrt.Model, image: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "labels.PNG"
    path.write_bytes(b"old")
    limited.run(image).save(str(path))
    assert path.read_bytes().startswith(b"\x89PNG")
    assert [entry.name for entry in tmp_path.iterdir()] == ["labels.PNG"]


def test_another_suffix(limited: itrt.Model, image: np.ndarray, tmp_path: Path) -> None:
    for name, found in (("labels.jpg", r"\.jpg"), ("labels", "none")):
        with pytest.raises(InvalidArgumentError, match=rf"output .*{name}: expected a name .*\.png, found {found}"):
            limited.run(image).save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_directory(limited: itrt.Model, image: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="output .*: expected the directory .*missing, found none"):
        limited.run(image).save(tmp_path / "missing" / "labels.png")


def test_no_part_of_a_file_is_left(
    limited: itrt.Model, image: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "labels.png"
    path.write_bytes(b"old")

    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(OSError, match="No space left"):
        limited.run(image).save(path)
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["labels.png"]
