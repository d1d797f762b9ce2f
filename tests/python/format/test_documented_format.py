"""docs/format.md says enough: a reader that was written from it alone gives the runtime's bytes."""

import ast
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

import itrt
from itrt.format import FixedPoint, Operator, Program, Tensor, Term, to_bytes
from itrt.format.operator_json import operator_to_json
from itrt.loading import read_model
from itrt.train.data.synthetic import draw_scene
from reference import reader
from reference.operators import labels
from reference.programs import random_image, random_program

ROOT = Path(__file__).parents[3]
DOCUMENT = (ROOT / "docs" / "format.md").read_text()


@pytest.mark.parametrize("seed", range(300, 320))
def test_random_programs(seed: int) -> None:
    file = to_bytes(random_program(seed))
    model = itrt.load(file, threads=1)
    image = random_image(seed, 11, 16)
    result = model.run(image)
    logits = reader.run(reader.read_file(file), image)
    np.testing.assert_array_equal(logits, result.quantized_logits)
    np.testing.assert_array_equal(labels(logits, 11, 16), result.labels)
    if model.max_iterations is None:
        more = reader.run(reader.read_file(file), image, model.iterations + 1)
        np.testing.assert_array_equal(more, model.run(image, model.iterations + 1).quantized_logits)


def test_the_packaged_model() -> None:
    data, _ = read_model("itnet-camvid")
    image, _ = draw_scene(44, 60, np.random.default_rng(0))
    result = itrt.load(data, threads=1).run(image)
    file = reader.read_file(data)
    np.testing.assert_array_equal(reader.run(file, image), result.quantized_logits)
    assert file.program["classes"] == list(itrt.load(data).classes)


def test_the_reader_knows_the_documents_alone() -> None:
    """Its own imports, and what these load: nothing of the product's format."""
    tree = ast.parse(Path(reader.__file__).read_text())
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not {module for module in modules if module and module.startswith("itrt")}
    code = "import sys, reference.reader; print([name for name in sys.modules if name.partition('.')[0] == 'itrt'])"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT / "tests", capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_every_field_is_documented() -> None:
    names = {each.name for kind in (Program, Tensor, Term, FixedPoint, *get_args(Operator)) for each in fields(kind)}
    assert {name for name in names if f"`{name}`" not in DOCUMENT} == set()


def test_every_kind_is_documented() -> None:
    kinds = {
        operator_to_json(operator, {})["kind"]
        for seed in range(20)
        for program in [random_program(seed)]
        for operator in (*program.stem, *program.block, *program.head)
    }
    assert len(kinds) == len(get_args(Operator))
    assert {kind for kind in kinds if f"| `{kind}` |" not in DOCUMENT} == set()


def test_damage_is_noticed() -> None:
    file = bytearray(to_bytes(random_program(300)))
    file[-1] ^= 1
    with pytest.raises(AssertionError):
        reader.read_file(bytes(file))
