"""`Model.execution`: which kernels run, and what is computed in one."""

from __future__ import annotations

import numpy as np
import pytest

import itrt
from reference.programs import random_image


@pytest.fixture(scope="module")
def model() -> itrt.Model:
    return itrt.load("itnet-camvid", isa="portable")


def test_every_operator_is_there_in_its_order(model: itrt.Model) -> None:
    rows = model.execution()
    assert [row.section for row in rows] == sorted((row.section for row in rows), key=["stem", "block", "head"].index)
    assert rows[0].operator == "stem.stem_half"
    assert {row.kind for row in rows} == {"convolution", "add", "resize"}


def test_operators_of_the_packaged_model_are_fused_into_their_additions(model: itrt.Model) -> None:
    fused = {row.operator: row.fused_into for row in model.execution() if row.fused_into}
    assert fused == {
        "block.refine_middle": "block.add",
        "block.context.0": "block.add_1",
        "block.context.1": "block.add_2",
        "block.resize": "block.add_3",
        "block.resize_1": "block.add_4",
        "block.refine_high": "block.add_5",
    }


@pytest.mark.parametrize("name", itrt.packaged_models())
def test_what_the_loop_repeats_is_hoisted(name: str) -> None:
    """The features' share of the first convolution: 3x3 of 24 or 32 channels, worth a sum that is read back."""
    found = {hoist: itrt.load(name, hoist=hoist) for hoist in (None, True, False)}
    hoisted = {
        hoist: {row.operator: row.hoisted_terms for row in model.execution() if row.hoisted_terms}
        for hoist, model in found.items()
    }
    assert hoisted == {None: {"block.down_middle": 1}, True: {"block.down_middle": 1}, False: {}}
    assert found[None].arena_bytes(360, 480) == found[True].arena_bytes(360, 480)
    assert found[False].arena_bytes(360, 480) <= found[True].arena_bytes(360, 480)
    image = random_image(3, 97, 131)
    logits = [model.run(image, 3).quantized_logits for model in found.values()]
    np.testing.assert_array_equal(logits[0], logits[2])
    np.testing.assert_array_equal(logits[1], logits[2])


def test_kernels_are_those_of_the_instruction_set(model: itrt.Model) -> None:
    names = {name for row in model.execution() for name in row.kernels}
    listed = {row["name"] for row in itrt.kernels.list() if row["isa"] == "portable"}
    assert names
    assert names <= listed
