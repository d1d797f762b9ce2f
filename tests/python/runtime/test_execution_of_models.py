"""`Model.execution`: which kernels run, and what is computed in one."""

from __future__ import annotations

import pytest

import itrt


@pytest.fixture(scope="module")
def model() -> itrt.Model:
    return itrt.load("itnet-camvid", isa="portable")


def test_every_operator_is_there_in_its_order(model: itrt.Model) -> None:
    rows = model.execution()
    assert [row.section for row in rows] == sorted((row.section for row in rows), key=["stem", "block", "head"].index)
    assert rows[0].operator == "stem.stem_half"
    assert {row.kind for row in rows} == {"convolution", "add", "resize"}


def test_resizes_of_the_packaged_model_are_fused_into_their_additions(model: itrt.Model) -> None:
    fused = {row.operator: row.fused_into for row in model.execution() if row.fused_into}
    assert fused == {"block.resize": "block.add_3", "block.resize_1": "block.add_4"}


def test_kernels_are_those_of_the_instruction_set(model: itrt.Model) -> None:
    names = {name for row in model.execution() for name in row.kernels}
    listed = {row["name"] for row in itrt.kernels.list() if row["isa"] == "portable"}
    assert names
    assert names <= listed
