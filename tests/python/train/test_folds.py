"""Leaving whole videos out of training."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from itrt.cli.app import app
from itrt.errors import InvalidArgumentError
from itrt.train import ImageSet, SegmentationData, leave_out, load_data, synthetic_data, video_of, write_synthetic
from itrt.train.data import pictures

NAMES = ("A_1.png", "B_1.png", "A_2.png", "C_1.png", "B_2.png", "B_3.png")


def named_data() -> SegmentationData:
    data = synthetic_data(train=len(NAMES), validation=2, height=48, width=64)
    return dataclasses.replace(data, train=ImageSet(data.train.images, data.train.labels, NAMES))


def test_the_video_is_the_files_name_up_to_the_first_underscore() -> None:
    assert [video_of(name) for name in ("0001TP_006690.png", "train/0016E5_0_1.png")] == ["0001TP", "0016E5"]


@pytest.mark.parametrize(("videos", "measured"), [(["B"], (1, 4, 5)), (["C", "A"], (0, 2, 3))])
def test_every_frame_is_trained_on_or_measured(videos: list[str], measured: tuple[int, ...]) -> None:
    data = named_data()
    fold = leave_out(data, videos)
    trained = [index for index in range(len(NAMES)) if index not in measured]
    for found, indices in ((fold.train, trained), (fold.validation, measured)):
        assert tuple(found.names) == tuple(NAMES[index] for index in indices)
        for index, image, label in zip(indices, found.images, found.labels, strict=True):
            np.testing.assert_array_equal(image, data.train.images[index])
            np.testing.assert_array_equal(label, data.train.labels[index])
    assert len(data.train) == len(NAMES)  # the data itself stays whole


@pytest.mark.parametrize(
    ("videos", "message"),
    [(["D"], "expected videos of A, B, C, found D"), (["A", "B", "C"], "expected a video to be left to train on")],
)
def test_folds_that_are_none_are_refused(videos: list[str], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        leave_out(named_data(), videos)


def test_data_sets_without_videos() -> None:
    data = synthetic_data(train=20, validation=1, height=16, width=16)
    with pytest.raises(InvalidArgumentError, match="expected frames named after their video .* without names"):
        leave_out(data, ["A"])
    numbered = ImageSet(data.train.images, data.train.labels, [f"{index:04d}.png" for index in range(20)])
    with pytest.raises(
        InvalidArgumentError, match=r"0007\.png and 12 more, found A; frames are named after their video"
    ):
        leave_out(dataclasses.replace(data, train=numbered), ["A"])


def test_frames_in_files_stay_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write_synthetic(tmp_path, named_data())
    monkeypatch.setattr(pictures, "_RAM_BYTES", 0)
    fold = leave_out(load_data(root), ["C"])
    assert fold.train.stored
    assert fold.validation.stored
    np.testing.assert_array_equal(fold.validation.images[0], named_data().train.images[NAMES.index("C_1.png")])


def test_the_command_measures_on_the_left_out_video(tmp_path: Path) -> None:
    root = write_synthetic(tmp_path / "data", named_data())
    assert tuple(load_data(root).train.names) == NAMES
    arguments = [
        "train", "--data", str(root), "--output", str(tmp_path / "run"), "--epochs", "1", "--crop", "32", "48",
        "--channels", "8", "8", "8", "--iterations", "1", "--batch-size", "1",
    ]  # fmt: skip
    result = CliRunner().invoke(app, [*arguments, "--leave-out", "C", "--leave-out", "A"])
    assert result.exit_code == 0, result.output
    assert "val mIoU" in result.output
    result = CliRunner().invoke(app, [*arguments, "--leave-out", "D"])
    assert result.exit_code == 1
    assert "expected videos of A, B, C, found D" in result.output
