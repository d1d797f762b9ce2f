"""itrt bench kernels. No time decides a test."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import itrt as library
from itrt.bench import oracles

ROOT = Path(__file__).parents[3]
QUICK = ("bench", "kernels", "--seconds", "0", "--only", "1x1 5->7")
ISAS = list(dict.fromkeys(row["isa"] for row in library.kernels.list()))


def test_table_and_json(itrt, tmp_path: Path) -> None:
    file = tmp_path / "rows.json"
    outcome = itrt(*QUICK, "--json", file, "--threads", 1, "--threads", 2)
    assert outcome.exit_code == 0, outcome.stderr
    assert library._core.compiler() in outcome.stdout
    assert f"itrt {library.__version__}" in outcome.stdout
    assert "portable kernel" in outcome.stdout
    report = json.loads(file.read_text())
    assert [(row["isa"], row["threads"]) for row in report["rows"]] == [(isa, n) for isa in ISAS for n in (1, 2)]
    for row in report["rows"]:
        assert row["shape"] == "1x1 5->7 9x9"
        assert row["macs"] == 5 * 7 * 81
        assert row["bytes"] == 5 * 81 + 35 + 7 * 81
        assert row["verified_by"] == (None if row["isa"] == "portable" else "portable kernel")
        assert 0 < row["best_nanoseconds"] <= row["nanoseconds"]
        assert len(row["rounds"]) >= 1
        assert all((peak["peak"] is None) == (row["isa"] == "portable") for peak in row["rounds"])
    assert set(report["copy_bytes_a_second"]) == {"1", "2"}
    assert report["environment"]["cpu"]


def test_other_operations_have_rows_in_bytes(itrt) -> None:
    outcome = itrt("bench", "kernels", "--seconds", 0, "--only", "add 1", "--isa", "portable")
    assert outcome.exit_code == 0, outcome.stderr
    assert "GB/s" in outcome.stdout.splitlines()[2]
    assert "GMAC/s" not in outcome.stdout


def test_random_shapes_follow_the_seed(itrt, tmp_path: Path) -> None:
    def shapes(seed: int) -> list[str]:
        file = tmp_path / "rows.json"
        outcome = itrt(
            "bench", "kernels", "--seconds", 0, "--random", 2, "--seed", seed, "--isa", ISAS[0], "--json", file
        )
        assert f"random shapes of seed {seed}" in outcome.stdout
        return [row["shape"] for row in json.loads(file.read_text())["rows"]]

    first = shapes(5)
    assert len(first) == 2
    assert shapes(5) == first != shapes(6)


def test_plot(itrt, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    file = tmp_path / "roof.png"
    outcome = itrt(*QUICK, "--plot", file)
    assert outcome.exit_code == 0, outcome.stderr
    assert file.read_bytes().startswith(b"\x89PNG")
    assert itrt("bench", "kernels", "--seconds", 0, "--only", "add 1", "--plot", file).exit_code == 0  # no point at all


def test_a_wrong_kernel_ends_the_command(fails, monkeypatch) -> None:
    expected = oracles.PortableOracle.expected
    monkeypatch.setattr(oracles.PortableOracle, "expected", lambda self, problem: expected(self, problem) ^ 1)
    message = fails(*QUICK)
    assert "1x1 5->7 9x9" in message
    assert "expected the bytes of the portable kernel, found 567 of 567 others" in message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--isa", "z80"), "--isa: expected one of"),
        (("--only", "no such"), "--only: expected a part of a shape's name"),
        (("--json", "/no/such/rows.json"), "--json /no/such/rows.json: expected the directory"),
        (("--plot", "/no/such/roof.png"), "--plot /no/such/roof.png: expected the directory"),
        (("--reference", "/no/such"), "expected the naive oracles"),
    ],
)
def test_wrong_options(fails, options: tuple[str, str], message: str) -> None:
    assert message in fails("bench", "kernels", "--seconds", 0, *options)


def test_the_tool_finds_the_naive_oracles() -> None:
    tool = ROOT / "tools" / "bench_kernels.py"
    options = ["--seconds", "0", "--only", "1x1 5->7", "--isa", "portable"]
    finished = subprocess.run([sys.executable, str(tool), *options], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    assert "naive oracle" in finished.stdout
