"""itrt inspect and itrt info."""

import re
from pathlib import Path

import numpy as np
import pytest

import itrt as library
from itrt.format import Convolution, write
from itrt.format.costs import operator_costs, tensor_sizes
from reference.fixed_point import with_fixed_point
from reference.small_program import small_program


def test_inspect_lists_operators_terms_and_costs(itrt, model_path: Path) -> None:
    outcome = itrt("inspect", model_path, "--size", "61x83")
    assert outcome.exit_code == 0, outcome.stderr
    rows = {line.split()[0]: line for line in outcome.stdout.splitlines() if line.strip()}
    for operator in ("stem", "first", "join", "down", "rise", "mix", "head"):
        assert operator in rows
    assert "features, 1x1x8 (loop-invariant)" in outcome.stdout
    assert "joined, 3x3x2 dilation 2 4 groups" in outcome.stdout
    assert "16x21x8" in rows["join"]
    assert rows["join"].rstrip().endswith(f"{8 * 72 + 8 * 8 + 6 * 8}   *")  # one bias and scale a step
    assert not rows["stem"].rstrip().endswith("*")
    assert "trained for 2, runs at most 3" in outcome.stdout
    assert "none: random weights" in outcome.stdout
    # 16x21 pixels, 8 outputs: 3x3x8 and 1x1x8 taps.
    assert f"{16 * 21 * 8 * (72 + 8) / 1e6:.2f} M" in rows["join"]
    assert "zero point" not in outcome.stdout


def test_inspect_shows_tensors_when_asked(itrt, model_path: Path) -> None:
    lines = itrt("inspect", model_path, "--tensors").stdout.splitlines()
    assert any(re.match(r"image +image +360x480x3 +1 +105, 107, 110", line) for line in lines)
    assert any(re.match(r"low +45x60x12 +0.05 +100", line) for line in lines)


def test_inspect_knows_networks_without_limit(itrt, tmp_path: Path) -> None:
    path = tmp_path / "shared.itrt"
    write(small_program(max_iterations=None), path)
    assert "runs any number" in itrt("inspect", path).stdout


def test_inspect_says_which_arithmetic_a_network_needs(itrt, model_path: Path, tmp_path: Path) -> None:
    joined, low, pixels = 16 * 21 * 8, 8 * 11 * 12, 16 * 21  # outputs of the block's convolutions
    in_the_block = 5 * (joined + low + pixels * 8)
    assert (
        f"binary32 operations: {5 * joined / 1e6:.2f} M in the stem, {in_the_block / 1e6:.2f} M in the block"
        in itrt("inspect", model_path, "--size", "61x83").stdout.replace("\n", " ")
    )
    path = tmp_path / "fixed.itrt"
    write(with_fixed_point(small_program()), path)
    assert "integers alone" in itrt("inspect", path).stdout


@pytest.mark.parametrize("size", ["360", "0x480", "360x", "ax3", "-1x5", "99999999x1"])
def test_inspect_refuses_a_wrong_size(fails, model_path: Path, size: str) -> None:
    assert "--size: expected height and width such as 360x480" in fails("inspect", model_path, f"--size={size}")


def test_inspect_refuses_what_is_no_model(fails, model_path: Path, tmp_path: Path) -> None:
    assert "expected a file or a packaged model" in fails("inspect", tmp_path / "none.itrt")
    model_path.write_bytes(b"no model")
    assert str(model_path) in fails("inspect", model_path)


def test_sizes_are_those_of_the_runtime(model_path: Path) -> None:
    program = small_program()
    model = library.load(model_path)
    for height, width in ((61, 83), (1, 1), (97, 30)):
        taps = model.taps(np.zeros((height, width, 3), np.uint8), 1)
        found = {name: array.shape[:2] for (name, _), array in taps.items()}
        sizes = tensor_sizes(program, height, width)
        assert {name: sizes[model.tensor_names.index(name)] for name in found} == found


def test_parameters_and_bytes_are_those_of_the_file(model_path: Path) -> None:
    program = small_program()
    sizes = tensor_sizes(program, 64, 64)
    costs = [operator_costs(operator, sizes) for operator in (*program.stem, *program.block, *program.head)]
    assert sum(cost.bytes for cost in costs) == library.load(model_path).weight_bytes
    convolutions = [operator for operator in program.block if isinstance(operator, Convolution)]
    join = operator_costs(convolutions[0], sizes)
    assert join.parameters == 8 * 72 + 8 * 8 + 3 * 8 + 3 * 8  # two terms; a bias and a scale a step
    assert join.invariant_macs == 16 * 16 * 8 * 8


def test_info(itrt, monkeypatch) -> None:
    outcome = itrt("info")
    assert outcome.exit_code == 0, outcome.stderr
    assert library.__version__ in outcome.stdout
    for row in library.kernels.list():
        assert re.search(rf"{row['operation']} +{row['isa']} +{re.escape(row['name'])}", outcome.stdout)
    for name in library.packaged_models():
        assert name in outcome.stdout
    monkeypatch.setenv("ITRT_NUM_THREADS", "3")
    monkeypatch.setenv("ITRT_ISA", "portable")
    outcome = itrt("info")
    assert "3 (ITRT_NUM_THREADS;" in outcome.stdout
    assert "portable (ITRT_ISA;" in outcome.stdout


def test_info_says_what_is_wrong_with_the_environment(fails, monkeypatch) -> None:
    monkeypatch.setenv("ITRT_ISA", "z80")
    assert "ITRT_ISA: expected one of" in fails("info")
