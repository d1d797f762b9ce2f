"""Data sets in directories: small ones in each layout, made here."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from itrt.errors import InvalidArgumentError, MissingFileError
from itrt.train import load_data, synthetic_data, write_synthetic
from itrt.train.data import LAYOUTS, SegmentationData, open_source, recognized
from itrt.train.data import pictures as pictures_module
from itrt.train.data.camvid import CLASS_NAMES as CAMVID_CLASSES
from itrt.train.data.camvid import ORIGINAL_COLOURS, split_of
from itrt.train.data.pascal_voc import colour_of

SHARED = Path(__file__).parents[4].parent / "shared" / "camvid"
SIZES = ((12, 16), (9, 20))
"""Height and width of a data set's two images a split."""


def save(path: Path, pixels: np.ndarray, palette: bool = False) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = PillowImage.fromarray(pixels)
    if palette:
        picture.putpalette([(37 * value) % 256 for value in range(768)])
    picture.save(path)


def image_of(index: int) -> np.ndarray:
    return np.random.default_rng(index).integers(0, 256, (*SIZES[index % 2], 3), dtype=np.uint8)


def stripes(index: int, values: list[int]) -> np.ndarray:
    """A label whose columns take these values in turn."""
    height, width = SIZES[index % 2]
    return np.tile(np.array([values[column % len(values)] for column in range(width)], np.uint8), (height, 1))


def make_camvid(root: Path) -> list[int]:
    for split in ("train", "val"):
        lines = []
        for index in range(2):
            save(root / split / f"{index}.png", image_of(index))
            save(root / f"{split}annot" / f"{index}.png", stripes(index, [0, 10, 11]))
            lines.append(f"{split}/{index}.png {split}annot/{index}.png")
        (root / f"{split}.txt").write_text("\n".join(lines))
    return [0, 10, 11]


def make_camvid_original(root: Path) -> list[int]:
    # Sky, RoadShoulder (pavement), MotorcycleScooter (bicyclist), Void.
    colours = np.array([(128, 128, 128), (128, 128, 192), (192, 0, 192), (0, 0, 0)], np.uint8)
    for index, name in enumerate(("0006R0_f00930", "0016E5_00390", "0016E5_07959", "0016E5_08159", "Seq05VD_f00000")):
        save(root / "701_StillsRaw_full" / f"{name}.png", image_of(index))
        save(root / "LabeledApproved_full" / f"{name}_L.png", colours[stripes(index, [0, 1, 2, 3])])
    return [0, 4, 10, 11]


def make_cityscapes(root: Path) -> list[int]:
    for split, city in (("train", "aachen"), ("val", "lindau")):
        for index in range(2):
            name = f"{city}_{index:06d}_000019"
            save(root / "leftImg8bit" / split / city / f"{name}_leftImg8bit.png", image_of(index))
            # road, ego vehicle, bicycle, a licence plate (-1 in 8 bits), person
            label = stripes(index, [7, 1, 33, 255, 24])
            save(root / "gtFine" / split / city / f"{name}_gtFine_labelIds.png", label)
    return [0, 255, 18, 255, 11]


def make_pascal_voc(root: Path) -> list[int]:
    for split in ("train", "val"):
        names = [f"2007_{split}_{index}" for index in range(2)]
        for index, name in enumerate(names):
            save(root / "JPEGImages" / f"{name}.jpg", image_of(index))
            save(root / "SegmentationClass" / f"{name}.png", stripes(index, [0, 20, 255]), palette=True)
        path = root / "ImageSets" / "Segmentation" / f"{split}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(names) + "\n")
    return [0, 20, 255]


def make_ade20k(root: Path) -> list[int]:
    for split, folder in (("train", "training"), ("val", "validation")):
        for index in range(2):
            name = f"ADE_{split}_{index:08d}"
            save(root / "images" / folder / f"{name}.jpg", image_of(index))
            save(root / "annotations" / folder / f"{name}.png", stripes(index, [0, 1, 150]))
    return [255, 0, 149]


MAKERS: dict[str, Callable[[Path], list[int]]] = {
    "camvid": make_camvid,
    "camvid-original": make_camvid_original,
    "cityscapes": make_cityscapes,
    "pascal-voc": make_pascal_voc,
    "ade20k": make_ade20k,
}
CLASSES = {"camvid": 11, "camvid-original": 11, "cityscapes": 19, "pascal-voc": 21, "ade20k": 150}
A_LABEL = {
    "camvid": "trainannot/1.png",
    "camvid-original": "LabeledApproved_full/0016E5_00390_L.png",
    "cityscapes": "gtFine/train/aachen/aachen_000001_000019_gtFine_labelIds.png",
    "pascal-voc": "SegmentationClass/2007_train_1.png",
    "ade20k": "annotations/training/ADE_train_00000001.png",
}

every_layout = pytest.mark.parametrize("name", list(MAKERS))


def test_every_layout_is_tested() -> None:
    assert list(MAKERS) == [layout.name for layout in LAYOUTS]


@every_layout
def test_a_directory_is_recognized_and_read(tmp_path: Path, name: str) -> None:
    values = MAKERS[name](tmp_path)
    assert [layout.name for layout in recognized(tmp_path)] == [name]
    data = load_data(tmp_path)
    assert (len(data.train), len(data.validation)) == (2, 2)
    assert len(data.class_names) == len(data.palette) == len(set(data.class_names)) == CLASSES[name]
    for images in (data.train, data.validation):
        for index, (image, label) in enumerate(zip(images.images, images.labels, strict=True)):
            assert image.shape == (*SIZES[index], 3)
            np.testing.assert_array_equal(label, stripes(index, values))
    named = load_data(tmp_path, name)
    np.testing.assert_array_equal(named.train.images[1], data.train.images[1])


@every_layout
def test_a_missing_label_is_named_beside_the_trees(tmp_path: Path, name: str) -> None:
    MAKERS[name](tmp_path)
    missing = tmp_path / A_LABEL[name]
    missing.unlink()
    with pytest.raises(MissingFileError) as error:
        load_data(tmp_path)
    message = str(error.value)
    assert f"found no label {missing} for the image" in message
    assert "Expected for " in message
    assert f"Found:\n  {tmp_path}/" in message


@every_layout
def test_damaged_and_wrong_labels_are_named(tmp_path: Path, name: str) -> None:
    MAKERS[name](tmp_path)
    label = tmp_path / A_LABEL[name]
    label.write_bytes(b"no image")
    with pytest.raises(InvalidArgumentError, match=rf"{label.name}: expected a PNG image, found an undecodable file"):
        load_data(tmp_path)
    save(label, np.zeros((9, 19) if name != "camvid-original" else (9, 19, 3), np.uint8))
    with pytest.raises(InvalidArgumentError, match=rf"{label.name}: expected 9x20, as its image .* found 9x19"):
        load_data(tmp_path)
    if name == "camvid-original":
        save(label, np.full((9, 20, 3), 1, np.uint8))
        wrong = r"expected one of CamVid's 32 colours, found \(1, 1, 1\) at row 0, column 0"
    else:
        save(label, np.full((9, 20), 200, np.uint8))
        wrong = r"expected classes 0 to \d+ or \d+ \(ignored\), found"
    with pytest.raises(InvalidArgumentError, match=wrong):
        load_data(tmp_path)


@every_layout
def test_files_are_decoded_when_asked_for_if_they_do_not_fit_into_ram(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    MAKERS[name](tmp_path)
    decoded = load_data(tmp_path)
    monkeypatch.setattr(pictures_module, "_RAM_BYTES", 0)
    stored = load_data(tmp_path)
    assert stored.train.stored
    assert not decoded.train.stored
    for index in range(2):
        np.testing.assert_array_equal(stored.train.images[index], decoded.train.images[index])
        np.testing.assert_array_equal(stored.train.labels[index], decoded.train.labels[index])
    second = stored.train.take([1])
    assert second.stored
    assert second.name(0) == decoded.train.name(1)
    np.testing.assert_array_equal(second.images[0], decoded.train.take([1]).images[0])
    np.testing.assert_array_equal(stored.train.labels[1:][0], decoded.train.labels[1])


@every_layout
def test_a_split_that_is_not_there_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidArgumentError, match=r"split: expected one of train, val.*, found holiday"):
        open_source(tmp_path, name).split("holiday")
    with pytest.raises((InvalidArgumentError, MissingFileError), match=r"Expected for"):
        open_source(tmp_path, name).split("train")


def test_an_unknown_directory_shows_every_tree_beside_what_was_found(tmp_path: Path) -> None:
    for index in range(20):
        save(tmp_path / "pictures" / f"{index}.png", image_of(0))
    with pytest.raises(InvalidArgumentError) as error:
        load_data(tmp_path)
    for layout in LAYOUTS:
        assert layout.expected(tmp_path) in str(error.value)
    assert "    pictures/\n      0.png" in str(error.value)
    assert "... and 17 more" in str(error.value)
    with pytest.raises(MissingFileError, match=r"is not there"):
        load_data(tmp_path / "none")


def test_a_directory_that_looks_like_two_data_sets_has_to_be_named(tmp_path: Path) -> None:
    make_camvid(tmp_path)
    make_cityscapes(tmp_path)
    with pytest.raises(InvalidArgumentError, match=r"found what may be camvid, cityscapes; name it with --dataset"):
        load_data(tmp_path)
    assert len(load_data(tmp_path, "cityscapes").class_names) == 19
    with pytest.raises(InvalidArgumentError, match=r"dataset: expected one of camvid, .* found kitti"):
        load_data(tmp_path, "kitti")


def test_the_originals_32_colours_are_the_11_classes_and_void() -> None:
    colours = [colour for group in ORIGINAL_COLOURS.values() for colour in group]
    assert len(colours) == len(set(colours)) == 31
    assert tuple(ORIGINAL_COLOURS) == CAMVID_CLASSES


@pytest.mark.skipif(not SHARED.is_dir(), reason="CamVid is not there")
@pytest.mark.parametrize("split", ["train", "val"])
def test_the_originals_images_have_the_tutorials_splits(split: str) -> None:
    names = [Path(name).name for name in open_source(SHARED, "camvid").split(split, stored=True).names]
    assert {split_of(name) for name in names} == {split}


def test_pascal_vocs_colours() -> None:
    """Some of those that the development kit's documentation shows."""
    assert [colour_of(index) for index in (0, 1, 2, 7, 15, 20)] == [
        (0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 128), (192, 128, 128), (0, 64, 128),
    ]  # fmt: skip


def test_a_label_with_16_bits_is_refused(tmp_path: Path) -> None:
    make_camvid(tmp_path)
    save(tmp_path / "trainannot" / "0.png", np.zeros(SIZES[0], np.uint16))
    with pytest.raises(InvalidArgumentError, match=r"0.png: expected a label of 8 bits a pixel, found"):
        load_data(tmp_path)
    save(tmp_path / "trainannot" / "0.png", np.zeros((*SIZES[0], 3), np.uint8))
    with pytest.raises(InvalidArgumentError, match=r"0.png: expected a label with one channel, found 3"):
        load_data(tmp_path)


def small_data() -> SegmentationData:
    return synthetic_data(train=3, validation=2, height=30, width=40)


def test_camvid_round_trip(tmp_path: Path) -> None:
    data = small_data()
    loaded = load_data(write_synthetic(tmp_path / "camvid", data))
    for split in ("train", "validation"):
        found, expected = getattr(loaded, split), getattr(data, split)
        np.testing.assert_array_equal(found.images, expected.images)
        np.testing.assert_array_equal(found.labels, expected.labels)
    assert loaded.class_names[3] == "road"
    assert loaded.palette[3] == (128, 64, 128)
    assert loaded.ignore_index == 11
    assert loaded.train.name(1) == "0001.png"


def test_the_tutorials_absolute_list_entries_are_understood(tmp_path: Path) -> None:
    root = write_synthetic(tmp_path, small_data())
    for split in ("train", "val"):
        lines = (root / f"{split}.txt").read_text().splitlines()
        absolute = (" ".join(f"/SegNet/CamVid/{name}" for name in line.split()) for line in lines)
        (root / f"{split}.txt").write_text("\n".join(absolute))
    assert len(load_data(root).train) == 3


@pytest.mark.parametrize("missing", ["train.txt", "val.txt", "train/0002.png", "valannot/0001.png"])
def test_a_missing_file_shows_the_expected_tree(tmp_path: Path, missing: str) -> None:
    root = write_synthetic(tmp_path, small_data())
    (root / missing).unlink()
    with pytest.raises(MissingFileError) as error:
        load_data(root, "camvid")
    assert str(root / missing) in str(error.value)
    assert "trainannot/*.png" in str(error.value)


@pytest.mark.parametrize("text", ["", "train/0000.png\n", "a b c\n"])
def test_a_malformed_list_is_refused(tmp_path: Path, text: str) -> None:
    root = write_synthetic(tmp_path, small_data())
    (root / "train.txt").write_text(text)
    with pytest.raises(InvalidArgumentError, match=r"train.txt"):
        load_data(root)
