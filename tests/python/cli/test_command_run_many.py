"""itrt run on folders and videos, and contact sheets."""

import io
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

import itrt as library
from itrt.cli.contact_sheet import draw_contact_sheet
from itrt.cli.run_folder import picture_names
from itrt.cli.segment import Segmenter
from itrt.train import synthetic_data, synthetic_video


def stored(path: Path) -> np.ndarray:
    with PillowImage.open(path) as picture:
        return np.asarray(picture)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three images of different sizes, one of them a JPEG, and a file that is no image."""
    path = tmp_path / "images"
    path.mkdir()
    for name, size in (("a.png", (60, 80)), ("b.png", (45, 97)), ("c.jpg", (60, 80))):
        image = synthetic_data(1, 0, *size).train.images[0]
        PillowImage.fromarray(image).save(path / name)
    (path / "notes.txt").write_text("no image")
    return path


def test_a_folder_of_images_of_any_size(itrt, model_path: Path, folder: Path, tmp_path: Path) -> None:
    labels, overlays, sheets = (tmp_path / name for name in ("labels", "overlays", "sheets"))
    options = ("-k", 3, "-o", labels, "--overlay", overlays, "--contact-sheet", sheets, "--model", model_path)
    outcome = itrt("run", folder, *options)
    assert outcome.exit_code == 0, outcome.stderr
    assert "3 images, 0 skipped" in outcome.stdout
    model = library.load(model_path)
    for directory in (labels, overlays, sheets):
        assert sorted(path.name for path in directory.iterdir()) == ["a.png", "b.png", "c.png"]
        assert f"wrote 3 images to {directory}" in outcome.stdout
    for name in ("a.png", "b.png", "c.jpg"):
        target = labels / Path(name).with_suffix(".png").name
        np.testing.assert_array_equal(stored(target), model.run(folder / name, 3).labels)
    assert stored(overlays / "b.png").shape[1] == 97
    assert stored(sheets / "b.png").shape[1] > 2 * 97


def test_unreadable_images_are_reported_skipped_and_counted(
    itrt, model_path: Path, folder: Path, tmp_path: Path
) -> None:
    (folder / "b.png").write_bytes(b"no image")
    (folder / "d.png").write_bytes((folder / "a.png").read_bytes()[:700])
    outcome = itrt("run", folder, "-o", tmp_path / "labels", "--model", model_path)
    assert outcome.exit_code == 1
    assert "skipped b.png: image" in outcome.stderr
    assert "skipped d.png: image" in outcome.stderr
    assert "expected 4 readable images, found 2 that had to be skipped" in outcome.stderr
    assert "2 images, 2 skipped" in outcome.stdout
    assert sorted(path.name for path in (tmp_path / "labels").iterdir()) == ["a.png", "c.png"]


def test_images_that_share_a_stem_keep_their_whole_name() -> None:
    assert picture_names([Path("a.png"), Path("a.jpg"), Path("b.jpg")]) == ["a.png.png", "a.jpg.png", "b.png"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "folder: expected --output, --overlay or --contact-sheet"),
        (["-o", "images"], "expected another directory than that of the images"),
        (["-o", "missing/labels"], "expected the directory missing"),
        (["-o", "small.itrt"], "expected a directory, found a file"),
        (["-o", "out", "--overlay", "out"], "expected two files"),
        (["-o", "out", "--stream"], "--contact-sheet shows every iteration"),
        (["-o", "out", "-k", "4"], "iterations: expected 1 to 3, found 4"),
    ],
)
def test_wrong_options_for_a_folder_write_nothing(
    fails, monkeypatch, model_path: Path, folder: Path, options: list[str], message: str
) -> None:
    monkeypatch.chdir(folder.parent)
    before = sorted(folder.parent.rglob("*"))
    assert message in fails("run", "images", "--model", model_path, *options)
    assert sorted(folder.parent.rglob("*")) == before


def test_ctrl_c_keeps_the_images_that_are_done(
    itrt, monkeypatch, model_path: Path, folder: Path, tmp_path: Path
) -> None:
    answers, calls = Segmenter.answers, []

    def interrupted(self: Segmenter, pixels: np.ndarray) -> object:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return answers(self, pixels)

    monkeypatch.setattr(Segmenter, "answers", interrupted)
    outcome = itrt("run", folder, "-o", tmp_path / "labels", "--model", model_path)
    assert outcome.exit_code == 130
    assert outcome.stderr == "interrupted: the pictures of 2 of 3 images are written\n"
    assert sorted(path.name for path in (tmp_path / "labels").iterdir()) == ["a.png", "b.png"]


def test_a_folder_without_images_ends_in_a_message(fails, model_path: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "images: expected images" in fails("run", tmp_path / "empty", "-o", tmp_path / "out", "--model", model_path)


def test_the_contact_sheet_of_an_image(itrt, model_path: Path, image_path: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    outcome = itrt("run", image_path, "-k", 3, "--contact-sheet", sheet, "--model", model_path)
    assert outcome.exit_code == 0, outcome.stderr
    assert f"wrote {sheet}" in outcome.stdout
    model = library.load(model_path)
    answers = [result.labels for result in model.stream(image_path, 3)]
    np.testing.assert_array_equal(
        stored(sheet), draw_contact_sheet(stored(image_path), answers, model.palette, model.classes)
    )
    streamed = tmp_path / "streamed.png"
    itrt("run", image_path, "-k", 3, "--stream", "-o", tmp_path / "o.png", "--contact-sheet", streamed,
         "--model", model_path)  # fmt: skip
    np.testing.assert_array_equal(stored(streamed), stored(sheet))


def test_a_contact_sheet_shows_the_image_and_every_answer() -> None:
    image = np.full((50, 60, 3), 200, np.uint8)
    palette = np.array([(255, 0, 0), (0, 0, 255)], np.uint8)
    answers = [np.full((50, 60), index, np.uint8) for index in (0, 1, 1)]
    sheet = draw_contact_sheet(image, answers, palette, ["a", "b"])
    assert sheet.shape[1] == 2 * 60 + 2
    caption = (sheet[:, :60] == 200).all(axis=(1, 2)).argmax()  # the row where the image begins
    np.testing.assert_array_equal(sheet[caption : caption + 50, :60], image)
    first, second = sheet[caption + 25, 62 + 30], sheet[caption + 50 + caption + 2 + 25, 30]
    assert first[0] > first[2]  # red, then blue
    assert second[2] > second[0]


# Videos


@pytest.fixture(scope="module")
def frames() -> list[np.ndarray]:
    return [image for image, _ in synthetic_video(5, 45, 64)]


def write_video(path: Path, frames: list[np.ndarray]) -> Path:
    """Motion JPEG in Matroska: its packets are whole images, so that their sizes may change."""
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=15)
        stream.height, stream.width, stream.pix_fmt = *frames[0].shape[:2], "yuvj420p"
        for number, pixels in enumerate(frames):
            buffer = io.BytesIO()
            PillowImage.fromarray(pixels).save(buffer, format="JPEG", quality=95)
            packet = av.Packet(buffer.getvalue())
            packet.stream, packet.pts, packet.dts, packet.time_base = stream, number, number, Fraction(1, 15)
            container.mux(packet)
    return path


def decoded(path: Path) -> list[np.ndarray]:
    av = pytest.importorskip("av")
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def test_a_video_in_and_out(itrt, model_path: Path, frames: list[np.ndarray], tmp_path: Path) -> None:
    video = write_video(tmp_path / "street.mkv", frames)
    labels, overlay, sheet = tmp_path / "labels", tmp_path / "overlay.mp4", tmp_path / "sheet.mkv"
    options = ("-k", 2, "-o", labels, "--overlay", overlay, "--contact-sheet", sheet, "--model", model_path)
    outcome = itrt("run", video, *options)
    assert outcome.exit_code == 0, outcome.stderr
    assert "5 frames" in outcome.stdout
    model = library.load(model_path)
    read = decoded(video)
    assert len(read) == 5
    for number, pixels in enumerate(read, start=1):
        np.testing.assert_array_equal(stored(labels / f"{number:06d}.png"), model.run(pixels, 2).labels)
    overlays, sheets = decoded(overlay), decoded(sheet)
    assert (len(overlays), len(sheets)) == (5, 5)
    assert overlays[0].shape[1] == 64
    assert overlays[0].shape[0] > 45  # the legend
    assert sheets[0].shape[1] > 2 * 64
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "labels", "overlay.mp4", "sheet.mkv", "small.itrt", "street.mkv",
    ]  # fmt: skip


def test_frames_of_changing_size_end_in_a_message_and_keep_what_is_done(
    itrt, model_path: Path, frames: list[np.ndarray], tmp_path: Path
) -> None:
    changed = [*frames[:3], np.zeros((32, 48, 3), np.uint8), *frames[3:]]
    video = write_video(tmp_path / "street.mkv", changed)
    overlay = tmp_path / "overlay.mp4"
    outcome = itrt("run", video, "-o", tmp_path / "labels", "--overlay", overlay, "--model", model_path)
    assert outcome.exit_code == 1
    assert "frame 4: expected 45x64 (height x width) as before, found 32x48" in outcome.stderr
    assert len(decoded(overlay)) == 3
    assert len(list((tmp_path / "labels").iterdir())) == 3


def test_ctrl_c_keeps_what_is_done(
    itrt, monkeypatch, model_path: Path, frames: list[np.ndarray], tmp_path: Path
) -> None:
    video, overlay = write_video(tmp_path / "street.mkv", frames), tmp_path / "overlay.mp4"
    answers, calls = Segmenter.answers, []

    def interrupted(self: Segmenter, pixels: np.ndarray) -> object:
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return answers(self, pixels)

    monkeypatch.setattr(Segmenter, "answers", interrupted)
    outcome = itrt("run", video, "--overlay", overlay, "--model", model_path)
    assert outcome.exit_code == 130
    assert outcome.stderr == f"interrupted: 3 frames kept in {overlay}\n"
    assert len(decoded(overlay)) == 3


def test_wrong_videos_and_options_end_in_a_message(
    fails, model_path: Path, frames: list[np.ndarray], tmp_path: Path
) -> None:
    video = write_video(tmp_path / "street.mkv", frames)
    run = ("run", video, "--model", model_path)
    assert "video: expected --output" in fails(*run)
    assert "expected a name that ends in .mp4 or .mkv, found .gif" in fails(*run, "--overlay", tmp_path / "o.gif")
    assert "expected the directory" in fails(*run, "--overlay", tmp_path / "none" / "o.mp4")
    assert "found the video itself" in fails(*run, "--overlay", video)
    assert "--contact-sheet shows every iteration" in fails(*run, "--overlay", tmp_path / "o.mp4", "--stream")
    before = sorted(tmp_path.rglob("*"))
    assert "iterations: expected 1 to 3, found 9" in fails(*run, "-k", 9, "--overlay", tmp_path / "o.mp4")
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    broken = ("run", tmp_path / "broken.mp4", "-o", tmp_path / "labels", "--model", model_path)
    assert "expected a video file" in fails(*broken)
    assert "expected a file at" in fails("run", tmp_path / "none.mp4", "-o", tmp_path / "labels", "--model", model_path)
    (tmp_path / "broken.mp4").unlink()
    assert sorted(tmp_path.rglob("*")) == before


def test_missing_pyav_is_named_with_its_remedy(fails, monkeypatch, model_path: Path, tmp_path: Path) -> None:
    (tmp_path / "street.mp4").write_bytes(b"never opened")
    monkeypatch.setitem(sys.modules, "av", None)
    message = fails("run", tmp_path / "street.mp4", "-o", tmp_path / "labels", "--model", model_path)
    assert "pip install 'itrt[video]'" in message
