"""The entry point, what all commands share, and train and convert from end to end."""

import subprocess
import sys
from pathlib import Path

import pytest

COMMANDS = ("run", "convert", "train", "eval", "inspect", "debug", "profile", "plan", "info")


def python(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


ENTRY_POINT = "from itrt.cli import main; main()"


def test_help_names_every_command() -> None:
    result = python(ENTRY_POINT, "--help")
    assert result.returncode == 0
    for command in COMMANDS:
        assert f"\n  {command} " in result.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_needs_no_torch(itrt, command: str) -> None:
    outcome = itrt(command, "--help")
    assert outcome.exit_code == 0
    assert "Usage: " in outcome.stdout
    assert "[default: " in outcome.stdout or command == "info"


def test_run_works_without_torch(model_path: Path, image_path: Path, tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "sys.modules['torch'] = None\n"  # importing it would fail
        "from itrt.cli import main\n"
        "try:\n"
        "    main(sys.argv[1:])\n"
        "finally:\n"
        "    assert sys.modules['torch'] is None\n"
    )
    output = tmp_path / "labels.png"
    result = python(code, "run", image_path, "-o", output, "--model", model_path)
    assert result.returncode == 0, result.stderr
    assert output.is_file()


def test_eval_works_without_torch(model_path: Path, data_path: Path) -> None:
    code = "import sys; sys.modules['torch'] = None; from itrt.cli import main; main()"
    result = python(code, "eval", model_path, "--data", data_path)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("package", ["typer", "rich"])
def test_a_missing_package_is_named_with_its_remedy(package: str) -> None:
    result = python(f"import sys; sys.modules['{package}'] = None; {ENTRY_POINT}", "info")
    assert result.returncode == 1
    assert result.stderr == f"error: the command line needs {package}: pip install 'itrt[cli]'\n"


def test_missing_pillow_is_named_with_its_remedy(model_path: Path, image_path: Path, data_path: Path) -> None:
    without = f"import sys; sys.modules['PIL'] = None; sys.modules['PIL.Image'] = None; {ENTRY_POINT}"
    for arguments in (("run", image_path, "--model", model_path), ("eval", model_path, "--data", data_path)):
        result = python(without, *arguments)
        assert result.returncode == 1
        assert result.stderr.startswith("error: Pillow: expected for image files")


def test_an_unknown_command_is_a_usage_error(itrt) -> None:
    outcome = itrt("fly")
    assert outcome.exit_code == 2
    assert "No such command 'fly'" in outcome.stderr


def test_messages_are_red_on_a_terminal_only(itrt) -> None:
    outcome = itrt("inspect", "missing.itrt")
    assert "\x1b" not in outcome.stderr


def test_train_convert_and_run(itrt, data_path: Path, image_path: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    output, model = tmp_path / "training", tmp_path / "tiny.itrt"
    options = ("--epochs", 1, "--batch-size", 2, "--crop", 48, 64, "--channels", 8, 8, 8, "--iterations", 2)
    outcome = itrt("train", "--data", data_path, "--output", output, *options)
    assert outcome.exit_code == 0, outcome.stderr
    outcome = itrt("convert", output / "network.pt", "-o", model, "--calibrate", data_path, "--images", 2)
    assert outcome.exit_code == 0, outcome.stderr
    outcome = itrt("run", image_path, "--model", model, "-o", tmp_path / "labels.png")
    assert outcome.exit_code == 0, outcome.stderr
    assert "83x61 pixels, 2 iterations" in outcome.stdout


@pytest.mark.usefixtures("few_scenes")
def test_everything_can_be_tried_without_a_data_set(itrt, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    output, model = tmp_path / "training", tmp_path / "tiny.itrt"
    options = ("--epochs", 1, "--batch-size", 2, "--crop", 32, 48, "--channels", 8, 8, 8, "--iterations", 2)
    outcome = itrt("train", "--data", "synthetic", "--output", output, *options)
    assert outcome.exit_code == 0, outcome.stderr
    outcome = itrt("convert", output / "network.pt", "-o", model, "--calibrate", "synthetic", "--images", 2)
    assert outcome.exit_code == 0, outcome.stderr
    assert "int8 mIoU" in outcome.stdout
    outcome = itrt("eval", model, "--data", "synthetic")
    assert outcome.exit_code == 0, outcome.stderr
    assert "2 images of val" in outcome.stdout


def test_convert_refuses_what_is_no_checkpoint(fails, data_path: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    target = tmp_path / "model.itrt"
    assert "checkpoint" in fails("convert", tmp_path / "none.pt", "-o", target, "--calibrate", data_path)
    foreign = tmp_path / "foreign.pt"
    foreign.write_bytes(b"no checkpoint")
    assert str(foreign) in fails("convert", foreign, "-o", target, "--calibrate", data_path)
    assert not target.exists()


def test_train_refuses_missing_data(fails, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    assert "SegNet layout" in fails("train", "--data", tmp_path / "none", "--output", tmp_path / "out")
