"""itrt bench plan. No time decides a test."""

from __future__ import annotations

import json
from pathlib import Path


def test_a_file(itrt, tmp_path: Path) -> None:
    file = tmp_path / "small.30.csv"
    file.write_text("id,lower,upper,size\na,0,2,10\nb,1,3,20\n")
    outcome = itrt("bench", "plan", file, "--shuffles", 1, "--json", tmp_path / "rows.json")
    assert outcome.exit_code == 0, outcome.stderr
    assert "small.30.csv" in outcome.stdout
    report = json.loads((tmp_path / "rows.json").read_text())
    assert [row["shuffle"] for row in report["rows"]] == [0, 1]
    for row in report["rows"]:
        assert (row["capacity"], row["fits"], row["peak"], row["proven"]) == (30, True, 30, True)
        assert set(row["others"].values()) == {30}


def test_random_instances(itrt) -> None:
    outcome = itrt("bench", "plan", "--time-limit", 0.01, "--seed", 7)
    assert outcome.exit_code == 0, outcome.stderr
    assert "random 0, seed 7" in outcome.stdout


def test_bad_arguments(itrt, tmp_path: Path) -> None:
    outcome = itrt("bench", "plan", tmp_path / "nothing.csv")
    assert outcome.exit_code != 0
    assert "nothing.csv" in outcome.stderr
    outcome = itrt("bench", "plan", "--json", tmp_path / "no" / "rows.json")
    assert outcome.exit_code != 0
    assert "--json" in outcome.stderr
