"""Tables: what a function gives for each stored value, by channel and by step."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from itrt.converter.float_operators import FloatConstant, FloatLookup, UnaryFunction
from itrt.converter.lookup_table import lookup_table
from itrt.errors import ConversionError
from itrt.quantize import ActivationParameters

SOURCE = ActivationParameters(0.05, 100)  # -5 to 7.75


def test_a_function_of_all_channels_is_one_row() -> None:
    operator = FloatLookup("gate", "x", (UnaryFunction(torch.sigmoid),))
    table = lookup_table(operator, SOURCE, ActivationParameters(1 / 255, 0))
    reals = 0.05 * (np.arange(256) - 100)
    expected = np.rint(255 / (1 + np.exp(-reals))).astype(np.uint8)
    assert [value.shape for value in table.values] == [(1, 256)]
    np.testing.assert_array_equal(table.values[0][0], expected)


def test_channels_and_steps_have_their_own_and_values_are_clipped() -> None:
    slopes = FloatConstant((np.array([0.5, 2.0, 100.0]), np.array([1.0, 1.0, -1.0])))
    operator = FloatLookup("scaled", "x", (UnaryFunction(torch.mul, (slopes,)), UnaryFunction(torch.abs)))
    table = lookup_table(operator, SOURCE, ActivationParameters(0.05, 3))
    assert [value.shape for value in table.values] == [(3, 256), (3, 256)]
    steps = np.arange(256) - 100
    for step, row in ((0, (0.5, 2.0, 100.0)), (1, (1.0, 1.0, -1.0))):
        expected = np.clip(np.rint(np.abs(np.outer(row, steps))) + 3, 0, 255)
        # A half may be rounded either way: 0.05 is no binary fraction.
        assert np.abs(table.values[step].astype(np.float64) - expected).max() <= 1


def test_a_function_without_a_value_somewhere_is_named() -> None:
    operator = FloatLookup("stem.log", "x", (UnaryFunction(torch.log),))
    with pytest.raises(ConversionError, match=r"stem\.log: expected a function of all values, found none at -5"):
        lookup_table(operator, SOURCE, ActivationParameters(0.05, 100))
