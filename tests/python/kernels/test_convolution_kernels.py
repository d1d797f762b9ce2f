"""`itrt.kernels.conv2d`: every instruction set and thread count gives the oracle's bytes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from itrt import kernels
from itrt.errors import InvalidArgumentError, ItrtError
from reference.operators import OracleTerm
from reference.operators import convolution as oracle

ISAS = sorted({row["isa"] for row in kernels.list() if row["operation"] == "convolution"})
THREADS = (1, 2, 3)


@dataclass(frozen=True)
class Problem:
    x: NDArray[np.uint8]
    w: NDArray[np.int8]
    bias: NDArray[np.int32]
    scale: NDArray[np.float32]
    x_zero_point: list[int]
    y_zero_point: int
    clamp: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int, int, int]
    dilation: tuple[int, int]
    groups: int

    def expected(self) -> NDArray[np.uint8]:
        term = OracleTerm(self.x, self.x_zero_point, self.w, self.stride, self.padding, self.dilation, self.groups)
        return oracle([term], self.bias, self.scale, self.y_zero_point, self.clamp)

    def run(self, isa: str, threads: int) -> NDArray[np.uint8]:
        return kernels.conv2d(
            self.x,
            self.w,
            self.bias,
            self.scale,
            self.x_zero_point if len(self.x_zero_point) > 1 else self.x_zero_point[0],
            self.y_zero_point,
            self.stride,
            self.padding,
            self.dilation,
            self.groups,
            isa,
            threads,
            clamp=self.clamp,
        )


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Shapes around the vector and tile widths, geometry that leaves the image, values at the extremes."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    groups = draw(st.sampled_from([1, 1, 1, 2, 3, 8, 16]))
    inputs = groups * draw(st.sampled_from([1, 2, 3, 4, 5, 7, 8, 16, 17]) if groups == 1 else st.integers(1, 4))
    outputs = groups * draw(st.integers(1, 70) if groups == 1 else st.integers(1, 9))
    kernel = (draw(st.integers(1, 4)), draw(st.integers(1, 4)))
    dilation = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    padding = tuple(draw(st.integers(0, 5)) for _ in range(4))
    extent = [dilation[axis] * (kernel[axis] - 1) + 1 for axis in range(2)]
    lowest = [max(1, extent[axis] - padding[axis] - padding[axis + 2]) for axis in range(2)]
    height, width = lowest[0] + draw(st.integers(0, 6)), lowest[1] + draw(st.integers(0, 30))

    def values(shape: tuple[int, ...], low: int, high: int, dtype: type) -> NDArray[np.generic]:
        kind = draw(st.sampled_from(["any", "low", "high", "extremes"]))
        if kind == "any":
            return rng.integers(low, high, shape, dtype, endpoint=True)
        return rng.choice([low] if kind == "low" else [high] if kind == "high" else [low, high], shape).astype(dtype)

    spread = 40 / (74 * 74 * np.sqrt(kernel[0] * kernel[1] * inputs / groups))
    lower = draw(st.integers(0, 255))
    return Problem(
        x=values((height, width, inputs), 0, 255, np.uint8).astype(np.uint8),
        w=values((outputs, *kernel, inputs // groups), -128, 127, np.int8).astype(np.int8),
        bias=rng.integers(-100_000, 100_000, outputs, np.int32),
        scale=(rng.choice([-1.0, 0.0, 0.3, 1.0, 3.0, 1e30], outputs) * spread).astype(np.float32),
        x_zero_point=rng.integers(0, 256, inputs if draw(st.booleans()) else 1).tolist(),
        y_zero_point=draw(st.integers(0, 255)),
        clamp=draw(st.sampled_from([(0, 255), (lower, 255), (0, lower), (lower, lower)])),
        stride=(draw(st.integers(1, 3)), draw(st.integers(1, 3))),
        padding=(padding[0], padding[1], padding[2], padding[3]),
        dilation=dilation,
        groups=groups,
    )


@settings(deadline=None, max_examples=150)
@given(problems())
def test_every_isa_and_thread_count_equals_the_oracle(problem: Problem) -> None:
    expected = problem.expected()
    for isa in ISAS:
        for threads in THREADS:
            np.testing.assert_array_equal(problem.run(isa, threads), expected, f"{isa}, {threads} threads")


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("x_value", [0, 255])
@pytest.mark.parametrize("w_value", [-128, 127])
def test_extreme_values_do_not_saturate(isa: str, x_value: int, w_value: int) -> None:
    x = np.full((9, 13, 32), x_value, np.uint8)
    w = np.full((48, 3, 3, 32), w_value, np.int8)
    total = 9 * 32 * (x_value - 100) * w_value
    scale = np.float32(50 / abs(total))
    y = kernels.conv2d(x, w, None, scale, 100, 128, isa=isa)
    assert np.unique(y).tolist() == [128 + 50 * int(np.sign(total))]


@pytest.mark.parametrize("isa", ISAS)
def test_a_batch_is_its_images(isa: str) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (3, 7, 9, 5), np.uint8)
    w = rng.integers(-128, 128, (6, 3, 3, 5), np.int8)
    whole = kernels.conv2d(x, w, None, 1e-3, 7, 100, 2, 1, isa=isa)
    each = [kernels.conv2d(image, w, None, 1e-3, 7, 100, 2, 1, isa=isa) for image in x]
    np.testing.assert_array_equal(whole, np.stack(each))


def test_strided_views_are_accepted() -> None:
    rng = np.random.default_rng(1)
    x = rng.integers(0, 256, (8, 20, 18), np.uint8)
    w = rng.integers(-128, 128, (4, 2, 6, 9), np.int8)
    y = kernels.conv2d(x[::2, ::-1, ::3], w[:, :, ::2, ::-1][..., :6], None, 1e-3)
    same = kernels.conv2d(x[::2, ::-1, ::3].copy(), w[:, :, ::2, ::-1][..., :6].copy(), None, 1e-3)
    np.testing.assert_array_equal(y, same)


def test_padding_forms() -> None:
    x = np.random.default_rng(2).integers(0, 256, (6, 5, 4), np.uint8)
    w = np.random.default_rng(3).integers(-128, 128, (3, 3, 3, 4), np.int8)

    def run(padding: object) -> NDArray[np.uint8]:
        return kernels.conv2d(x, w, None, 1e-3, 9, 128, padding=padding)  # type: ignore[arg-type]

    np.testing.assert_array_equal(run(1), run((1, 1, 1, 1)))
    np.testing.assert_array_equal(run((2, 1)), run((2, 1, 2, 1)))
    assert run((0, 1, 2, 3)).shape == (6, 7, 3)


GOOD = {
    "x_u8": np.zeros((5, 6, 4), np.uint8),
    "w_s8": np.ones((6, 3, 3, 4), np.int8),
    "bias_i32": np.zeros(6, np.int32),
    "scale_f32": np.ones(6, np.float32),
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x_u8", np.zeros((5, 6, 4), np.float32)),
        ("x_u8", np.zeros((5, 6), np.uint8)),
        ("x_u8", np.zeros((2, 2, 5, 6, 4), np.uint8)),
        ("x_u8", np.zeros((5, 0, 4), np.uint8)),
        ("x_u8", np.zeros((2, 6, 4), np.uint8)),
        ("x_u8", np.zeros((5, 6, 3), np.uint8)),
        ("x_u8", [[[1]]]),
        ("x_u8", None),
        ("w_s8", np.ones((6, 3, 3, 4), np.uint8)),
        ("w_s8", np.ones((6, 3, 3), np.int8)),
        ("w_s8", np.ones((6, 3, 3, 5), np.int8)),
        ("w_s8", np.ones((6, 0, 3, 4), np.int8)),
        ("bias_i32", np.zeros(5, np.int32)),
        ("bias_i32", np.zeros(6, np.int64)),
        ("bias_i32", np.full(6, 2**31 - 1, np.int32)),
        ("scale_f32", np.ones(5, np.float32)),
        ("scale_f32", np.ones(6, np.float64)),
        ("scale_f32", np.full(6, np.nan, np.float32)),
        ("scale_f32", float("inf")),
        ("scale_f32", "much"),
        ("x_zero_point", 256),
        ("x_zero_point", -1),
        ("x_zero_point", 1.5),
        ("x_zero_point", [1, 2, 3]),
        ("x_zero_point", []),
        ("y_zero_point", 256),
        ("y_zero_point", 0.5),
        ("stride", 0),
        ("stride", (1, 2, 3)),
        ("stride", 2**40),
        ("stride", "11"),
        ("padding", -1),
        ("padding", (1, 2, 3)),
        ("padding", 1.0),
        ("dilation", 0),
        ("dilation", 9),
        ("groups", 0),
        ("groups", 4),
        ("groups", 3),
        ("groups", None),
        ("isa", "neon"),
        ("isa", 3),
        ("threads", 0),
        ("threads", -2),
        ("threads", 1.5),
        ("clamp", (10, 5)),
        ("clamp", (0, 256)),
        ("clamp", (0,)),
    ],
)
def test_a_bad_argument_is_a_typed_error_that_names_it(name: str, value: object) -> None:
    with pytest.raises(InvalidArgumentError, match=r"expected .*, found ") as error:
        kernels.conv2d(**{**GOOD, name: value})  # type: ignore[arg-type]
    assert isinstance(error.value, ItrtError)
    assert isinstance(error.value, ValueError)


def test_an_accumulator_that_could_leave_31_bits_is_an_error() -> None:
    w = np.full((1, 1, 1, 70_000), 127, np.int8)
    with pytest.raises(InvalidArgumentError, match="31 bits"):
        kernels.conv2d(np.zeros((1, 1, 70_000), np.uint8), w, None, 1.0)
