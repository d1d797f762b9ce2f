"""itrt run."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

import itrt as library
from itrt.cli.segment import Segmenter
from itrt.errors import Interrupted


def stored(path: Path) -> np.ndarray:
    with PillowImage.open(path) as picture:
        return np.asarray(picture)


def test_labels_overlay_and_summary(itrt, model_path: Path, image_path: Path, tmp_path: Path) -> None:
    labels, overlay = tmp_path / "labels.png", tmp_path / "overlay.png"
    outcome = itrt("run", image_path, "-k", 3, "-o", labels, "--overlay", overlay, "--model", model_path)
    assert outcome.exit_code == 0, outcome.stderr
    model = library.load(model_path)
    expected = model.run(image_path, 3).labels
    np.testing.assert_array_equal(stored(labels), expected)
    with PillowImage.open(labels) as picture:
        np.testing.assert_array_equal(np.asarray(picture.convert("RGB")), model.palette[expected])
    assert stored(overlay).shape[0] > 61  # the legend
    assert stored(overlay).shape[1] == 83
    for text in ("83x61 pixels", "3 iterations", " ms ", "arena", f"wrote {labels}", f"wrote {overlay}"):
        assert text in outcome.stdout
    for index in np.unique(expected):
        assert f"{model.classes[index]} " in outcome.stdout


def test_iterations_are_as_trained_by_default(itrt, model_path: Path, image_path: Path, tmp_path: Path) -> None:
    assert "2 iterations" in itrt("run", image_path, "--model", model_path).stdout
    assert list(tmp_path.glob("*.png")) == [image_path]  # no picture without a name for it


def test_stream_writes_every_answer(itrt, model_path: Path, image_path: Path, tmp_path: Path) -> None:
    outcome = itrt("run", image_path, "-k", 3, "-o", tmp_path / "out.png", "--stream", "--model", model_path)
    assert outcome.exit_code == 0, outcome.stderr
    model = library.load(model_path)
    for iteration in (1, 2, 3):
        np.testing.assert_array_equal(
            stored(tmp_path / f"out-{iteration}.png"), model.run(image_path, iteration).labels
        )
    assert not (tmp_path / "out.png").exists()


def test_side_by_side_shows_the_image_itself(itrt, model_path: Path, image_path: Path, tmp_path: Path) -> None:
    overlay = tmp_path / "overlay.png"
    outcome = itrt("run", image_path, "--overlay", overlay, "--side-by-side", "--model", model_path)
    assert outcome.exit_code == 0, outcome.stderr
    picture = stored(overlay)
    assert picture.shape[1] > 2 * 83
    np.testing.assert_array_equal(picture[:61, :83], stored(image_path))


def test_threads_and_instruction_set_change_no_label(itrt, model_path: Path, image_path: Path, tmp_path: Path) -> None:
    arguments = ("run", image_path, "--model", model_path, "-o")
    itrt(*arguments, tmp_path / "a.png")
    outcome = itrt(*arguments, tmp_path / "b.png", "--threads", 3, "--isa", "portable")
    assert "3 threads, portable" in outcome.stdout
    np.testing.assert_array_equal(stored(tmp_path / "a.png"), stored(tmp_path / "b.png"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-o", "missing/out.png"], "expected the directory"),
        (["-o", "out.jpg"], "expected a name that ends in .png, found .jpg"),
        (["--overlay", "out.jpg"], "expected a name that ends in .png"),
        (["-o", "street.png"], "found the image itself"),
        (["-o", "out.png", "--overlay", "out.png"], "expected two files"),
        (["--stream"], "--stream: expected --output or --overlay"),
        (["--side-by-side"], "expected an --overlay"),
        (["-k", "4", "-o", "out.png"], "iterations: expected 1 to 3, found 4"),
        (["-k", "4", "-o", "out.png", "--stream"], "iterations: expected 1 to 3, found 4"),
        (["--threads", "10000", "-o", "out.png"], "threads: expected 1 to"),
        (["--isa", "z80", "-o", "out.png"], "isa: expected one of portable"),
        (["--model", "no-such-model", "-o", "out.png"], "model no-such-model: expected a file or a packaged model"),
    ],
)
def test_wrong_options_end_in_a_message_and_write_nothing(
    fails, monkeypatch, model_path: Path, image_path: Path, options: list[str], message: str
) -> None:
    monkeypatch.chdir(image_path.parent)
    before = {path: path.read_bytes() for path in image_path.parent.iterdir()}
    model = [] if "--model" in options else ["--model", model_path]
    assert message in fails("run", "street.png", *model, *options)
    assert {path: path.read_bytes() for path in image_path.parent.iterdir()} == before


def test_a_stream_does_not_overwrite_its_own_image(fails, model_path: Path, image_path: Path) -> None:
    image = image_path.rename(image_path.with_name("out-2.png"))
    options = ("--stream", "-o", image.with_name("out.png"), "--model", model_path)
    assert "found the image itself" in fails("run", image, *options)


def test_wrong_images_end_in_a_message(fails, model_path: Path, image_path: Path, tmp_path: Path) -> None:
    assert "expected a file or a directory at" in fails("run", tmp_path / "none.png", "--model", model_path)
    image_path.write_bytes(b"no image")
    assert "expected an image file" in fails("run", image_path, "--model", model_path)


def test_a_damaged_model_ends_in_a_message_that_names_it(fails, model_path: Path, image_path: Path) -> None:
    model_path.write_bytes(model_path.read_bytes()[:-9])
    assert str(model_path) in fails("run", image_path, "--model", model_path)


def test_a_file_that_cannot_be_written_ends_in_a_message(
    itrt, monkeypatch, model_path: Path, image_path: Path, tmp_path: Path
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "out.png")

    monkeypatch.setattr("itrt.images.write_atomically", refuse)
    outcome = itrt("run", image_path, "-o", tmp_path / "out.png", "--model", model_path)
    assert outcome.exit_code == 1
    assert outcome.stderr == "error: out.png: Permission denied\n"


@pytest.mark.parametrize("options", [["-k", "0"], ["-k", "x"], ["--threads", "0"], ["--no-such-option"], []])
def test_usage_errors_have_exit_code_2(itrt, image_path: Path, options: list[str]) -> None:
    image = [image_path] if options else []
    outcome = itrt("run", *image, *options)
    assert outcome.exit_code == 2
    assert "Error: " in outcome.stderr


def test_ctrl_c_writes_the_answer_that_there_is(
    itrt, monkeypatch, model_path: Path, image_path: Path, tmp_path: Path
) -> None:
    def interrupted(self: Segmenter, pixels: np.ndarray) -> library.Result:
        raise Interrupted([self.model.run(pixels, 1).finished("interrupted", 5)])

    monkeypatch.setattr(Segmenter, "run", interrupted)
    labels = tmp_path / "labels.png"
    outcome = itrt("run", image_path, "-k", 3, "-o", labels, "--model", model_path)
    assert outcome.exit_code == 130
    assert outcome.stderr == "interrupted: this is the answer after 1 iteration\n"
    assert "1 iteration (interrupted)" in outcome.stdout
    np.testing.assert_array_equal(stored(labels), library.load(model_path).run(image_path, 1).labels)


def test_runs_that_end_early(itrt, fails, model_path: Path, image_path: Path, tmp_path: Path) -> None:
    run = ("run", image_path, "--model", model_path, "-k", 3)
    outcome = itrt(*run, "--stable", 1e-6, "-o", tmp_path / "labels.png")
    assert "2 iterations (stable)" in outcome.stdout  # two answers can be compared
    expected = library.load(model_path).run(image_path, 2).labels
    np.testing.assert_array_equal(stored(tmp_path / "labels.png"), expected)
    assert "3 iterations," in itrt(*run, "--deadline", 1e9).stdout  # milliseconds: eleven days
    itrt(*run, "--stable", 1e-6, "--stream", "-o", tmp_path / "out.png")
    assert sorted(path.name for path in tmp_path.glob("out-*")) == ["out-1.png", "out-2.png"]
    assert "expected an iteration of an image of 61x83" in fails(*run, "--deadline", 1e-6)
    assert "--deadline: expected more than 0, found 0" in fails(*run, "--deadline", 0)
    assert "--stable: expected more than 0 and at most 1, found 2" in fails(*run, "--stable", 2)
    assert "--deadline: expected without --stream" in fails(*run, "--deadline", 5, "--stream", "-o", tmp_path / "o.png")
