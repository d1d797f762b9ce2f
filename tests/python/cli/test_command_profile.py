"""itrt profile."""

import json
from pathlib import Path


def test_profile_lists_operators_and_shares(itrt, model_path: Path) -> None:
    outcome = itrt("profile", model_path, "--height", 61, "--width", 83, "--threads", 1, "--repeats", 2, "-k", 3)
    assert outcome.exit_code == 0, outcome.stderr
    assert outcome.stdout.startswith("small at 61x83: 3 iterations, 1 thread, ")
    lines = [line.split() for line in outcome.stdout.splitlines() if line.strip()]
    join = next(line for line in lines if line[:3] == ["block", "join", "convolution"])
    # 16x21 pixels, 8 outputs, 3x3x8 and 1x1x8 taps, three times.
    assert join[3:7] == ["16x21x8", "3", f"{3 * 16 * 21 * 8 * 80 / 1e6:.2f}", "M"]
    shares = {line[0]: float(line[-1].rstrip("%")) for line in lines[-3:]}
    assert set(shares) == {"convolution", "everything", "total"}
    assert shares["total"] == 100.0
    assert abs(shares["convolution"] + shares["everything"] - 100) < 0.11


def test_profile_of_an_image_writes_json(itrt, model_path: Path, image_path: Path, tmp_path: Path) -> None:
    target = tmp_path / "profile.json"
    outcome = itrt("profile", model_path, image_path, "--repeats", 1, "--json", target)
    assert outcome.exit_code == 0, outcome.stderr
    found = json.loads(target.read_text())
    assert (found["height"], found["width"], found["iterations"], found["repeats"]) == (61, 83, 2, 1)
    assert [row["operator"] for row in found["rows"]][-2:] == ["head", "labels"]
    assert {"section", "step", "operator", "kind", "shape", "macs", "milliseconds", "executions"} == found["rows"][
        0
    ].keys()


def test_profile_refuses_wrong_arguments(fails, model_path: Path, image_path: Path, tmp_path: Path) -> None:
    assert "--height, --width: expected without an image" in fails("profile", model_path, image_path, "--height", 8)
    assert "expected the directory" in fails("profile", model_path, "--json", tmp_path / "none" / "profile.json")
    assert "iterations: expected 1 to 3, found 4" in fails("profile", model_path, "-k", 4)
    assert "expected a file or a packaged model" in fails("profile", tmp_path / "none.itrt")
