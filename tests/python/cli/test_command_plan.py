"""itrt plan."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from itrt import planner
from itrt.format import write
from itrt.planner import Plan
from reference.programs import Choices, random_program

SIZE = ("--size", "64x64")
TARGET = ("--target", "ethos-u65-512")


@pytest.fixture
def planned(model_path: Path) -> Plan:
    """What the command should show."""
    return planner.plan(model_path, "ethos-u65-512", height=64, width=64)


def rows_of(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines() if line.strip()]


def test_a_plan_in_the_terminal(itrt, model_path: Path, planned: Plan) -> None:
    outcome = itrt("plan", model_path, *TARGET, *SIZE)
    assert outcome.exit_code == 0, outcome.stderr
    assert "small at 64x64: 2 iterations, 1 answer" in outcome.stdout
    assert "of 384.0 KiB in sram" in outcome.stdout
    rows = rows_of(outcome.stdout)
    for layer in planned.work.layers:
        assert any(row[:2] == [layer.name, layer.section] for row in rows), layer.name
    (total,) = [row for row in rows if row[0] == "run"]
    assert f"{(planned.cost.total.seconds or 0) * 1e3:.3f}" in total
    assert [row[1] for row in rows if row[:1] == ["small"]] == ["looped", "unrolled,", "unrolled,"]


def test_everything_is_written(itrt, model_path: Path, tmp_path: Path, planned: Plan) -> None:
    pytest.importorskip("matplotlib")
    page, figure, data = (tmp_path / name for name in ("plan.html", "plan.png", "plan.json"))
    outcome = itrt("plan", model_path, *TARGET, *SIZE, "--sweep", "--report", page, "--plot", figure, "--json", data)
    assert outcome.exit_code == 0, outcome.stderr
    assert outcome.stdout.splitlines()[-3:] == [f"wrote {file}" for file in (data, page, figure)]
    assert page.read_bytes().startswith(b"<!DOCTYPE html>")
    assert b'class="front"' in page.read_bytes()
    assert figure.read_bytes().startswith(b"\x89PNG")
    found = json.loads(data.read_text())
    assert (found["arena_bytes"], found["iterations"]) == (planned.arena_bytes, 2)
    assert [each["name"] for each in found["buffers"]] == [each.name for each in planned.footprint.buffers]
    assert found["front"]


def test_a_packaged_model_by_its_name(itrt) -> None:
    outcome = itrt("plan", "itnet-camvid", *TARGET, "--size", "64x64", "-k", 3, "--sram", "16MiB")  # no search
    assert outcome.exit_code == 0, outcome.stderr
    assert "itnet-camvid at 64x64: 3 iterations" in outcome.stdout


def test_sizes_have_units(itrt, model_path: Path) -> None:
    texts = [
        itrt("plan", model_path, *TARGET, *SIZE, "--sram", text).stdout
        for text in ("64KiB", "65536", "64 KiB", "65536B")
    ]
    assert "of 64.0 KiB in sram" in texts[0]
    assert len(set(texts)) == 1


def test_what_does_not_fit_has_a_status_of_its_own(itrt, model_path: Path, tmp_path: Path) -> None:
    data = tmp_path / "plan.json"
    outcome = itrt("plan", model_path, *TARGET, *SIZE, "--sram", "64", "--json", data)
    assert outcome.exit_code == 3
    assert outcome.stdout == ""
    assert "small does not fit: expected at least" in outcome.stderr
    found = json.loads(data.read_text())
    assert found["fits"] is False
    assert str(found["smallest_bytes"]) in outcome.stderr
    assert found["deciding_layer"] in outcome.stderr
    assert itrt("plan", model_path, *TARGET, *SIZE, "--sram", found["smallest_bytes"]).exit_code == 0


def test_a_sweep(itrt, model_path: Path) -> None:
    outcome = itrt("plan", model_path, *TARGET, *SIZE, "--sweep")
    assert outcome.exit_code == 0, outcome.stderr
    front = planner.sweep(model_path, "ethos-u65-512", height=64, width=64)
    rows = rows_of(outcome.stdout.partition("memory against cost of a run")[2])
    shown = [row for row in rows if row[1:2] in (["B"], ["KiB"], ["MiB"])]
    assert len(shown) == len(front)


def test_networks_side_by_side(itrt, model_path: Path, tmp_path: Path) -> None:
    other, data = tmp_path / "other.itrt", tmp_path / "comparison.json"
    write(random_program(3, Choices(loop=False)), other)
    outcome = itrt("plan", "--compare", model_path, other, *TARGET, *SIZE, "--json", data)
    assert outcome.exit_code == 0, outcome.stderr
    small, random = (next(row for row in rows_of(outcome.stdout) if row[0] == name) for name in ("small", "random-3"))
    forms = planner.measure(planner.load_workload(model_path, 64, 64))
    assert small[1:3] == ["2", f"{forms[0].parameters:,}"]
    assert len(small) > len(random)  # a loop has unrolled forms
    found = json.loads(data.read_text())["networks"]
    assert [each["network"] for each in found] == ["small", "random-3"]
    assert [each["graph_bytes"] for each in found[0]["measures"]] == [form.graph_bytes for form in forms]


def test_networks_side_by_side_without_a_target(itrt, model_path: Path) -> None:
    outcome = itrt("plan", "--compare", model_path, model_path, *SIZE)
    assert outcome.exit_code == 0, outcome.stderr
    assert "arena" not in outcome.stdout
    assert len([row for row in rows_of(outcome.stdout) if row[0] == "small"]) == 2


def test_a_network_that_does_not_fit_among_others(itrt, model_path: Path) -> None:
    outcome = itrt("plan", "--compare", model_path, *TARGET, *SIZE, "--sram", "64")
    assert outcome.exit_code == 0, outcome.stderr
    assert "needs" in outcome.stdout


def test_presets_with_their_sources(itrt) -> None:
    outcome = itrt("plan", "--targets")
    assert outcome.exit_code == 0, outcome.stderr
    for name in planner.presets():
        assert f"\n{name} " in f"\n{outcome.stdout}"
    assert "vela.ini of ethos-u-vela 5.2" in outcome.stdout


def test_a_target_file_of_ones_own(itrt, model_path: Path, tmp_path: Path) -> None:
    preset = Path(planner.__file__).parent / "presets" / "ethos-u65-512.toml"
    mine = tmp_path / "mine.toml"
    shutil.copy(preset, mine)
    assert itrt("plan", model_path, "--target", mine, *SIZE).exit_code == 0
    mine.write_text(preset.read_text().replace("384", "-384"))
    outcome = itrt("plan", model_path, "--target", mine, *SIZE)
    assert outcome.exit_code == 1
    assert "mine.toml: memories.sram.size" in outcome.stderr


@pytest.fixture
def instance(tmp_path: Path) -> Path:
    """Three buffers, of which two live together; the least is 12 bytes."""
    path = tmp_path / "three.csv"
    path.write_text("id,lower,upper,size\na,0,2,4\nb,1,3,8\nc,2,4,4\n")
    return path


def test_a_csv_file(itrt, instance: Path, tmp_path: Path) -> None:
    offsets, data = tmp_path / "offsets.csv", tmp_path / "allocation.json"
    outcome = itrt("plan", "--csv", instance, "--offsets", offsets, "--json", data)
    assert outcome.exit_code == 0, outcome.stderr
    assert "12 bytes" in outcome.stdout
    assert "yes, no layout is lower" in outcome.stdout
    found = json.loads(data.read_text())
    assert (found["peak_bytes"], found["lower_bound_bytes"], found["proven"], found["fits"]) == (12, 12, True, None)
    with offsets.open() as file:
        rows = list(csv.DictReader(file))
    assert {row["id"]: int(row["offset"]) for row in rows} == found["offsets"]
    assert [(row["lower"], row["upper"], row["size"]) for row in rows] == [
        ("0", "2", "4"),
        ("1", "3", "8"),
        ("2", "4", "4"),
    ]


def test_a_csv_file_that_fits_or_not(itrt, instance: Path) -> None:
    assert itrt("plan", "--csv", instance, "--capacity", "12").exit_code == 0
    outcome = itrt("plan", "--csv", instance, "--capacity", "11", "--time-limit", "5")
    assert outcome.exit_code == 3
    assert "expected a layout within 11 bytes, found 12 as the smallest" in outcome.stderr
    assert "that is proven" in outcome.stderr


@pytest.mark.parametrize("text", ["", "0", "-5", "12 parsecs", "0.3B", "1e3", "KiB", "9" * 30])
def test_sizes_that_are_none(fails, model_path: Path, text: str) -> None:
    assert "--sram: expected whole bytes, with or without a unit (B, kB, " in fails(
        "plan", model_path, *TARGET, *SIZE, f"--sram={text}"
    )


def test_wrong_arguments(fails, model_path: Path, instance: Path, tmp_path: Path) -> None:
    model = model_path
    assert "expected --target (itrt plan --targets lists presets), found none" in fails("plan", model)
    assert "expected one model (several with --compare), found 0" in fails("plan", *TARGET)
    assert "expected one model (several with --compare), found 2" in fails("plan", model, model, *TARGET)
    assert "expected at least one model, found none" in fails("plan", "--compare")
    assert "expected a file or a packaged model" in fails("plan", tmp_path / "none.itrt", *TARGET)
    assert "did you mean ethos-u65-512?" in fails("plan", model, "--target", "ethos-u65-513")
    assert "--size: expected height and width" in fails("plan", model, *TARGET, "--size", "64")
    assert "--objective: expected time or traffic, found 'fun'" in fails("plan", model, *TARGET, "--objective", "fun")
    assert "--csv: expected neither a model nor --target" in fails("plan", model, "--csv", instance)
    assert "--capacity, --time-limit, --offsets: expected with --csv" in fails("plan", model, *TARGET, "--capacity", 9)
    assert "--compare: expected without --sweep" in fails("plan", "--compare", model, "--sweep")
    assert "expected the directory" in fails("plan", model, *TARGET, "--report", tmp_path / "none" / "plan.html")
    assert "expected a CSV file, found none" in fails("plan", "--csv", tmp_path / "none.csv")
    foreign = tmp_path / "foreign.itrt"
    foreign.write_bytes(b"no model")
    assert str(foreign) in fails("plan", foreign, *TARGET)
    assert "iterations: expected 1 to 3, found 4" in fails("plan", model, *TARGET, *SIZE, "-k", 4)


def test_an_unknown_memory_asks_for_its_size(itrt, fails, model_path: Path) -> None:
    unknown = next(name for name in planner.presets() if planner.load_target(name).arena.size is None)
    assert "expected the argument sram" in fails("plan", model_path, "--target", unknown, *SIZE)
    assert itrt("plan", model_path, "--target", unknown, *SIZE, "--sram", "1MB").exit_code == 0
