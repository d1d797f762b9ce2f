"""`itrt.kernels.conv2d` against ONNX Runtime's QLinearConv, which shares no code with us: equal bytes.

docs/numerics.md says where they would not be equal: another order of the scales' product, and ONNX Runtime's kernels
for x86 without VNNI, which get weights of 7 bits here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from itrt import kernels
from itrt.export.agreement import kernels_saturate

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

_LARGEST_WEIGHT = 63 if kernels_saturate() else 127  # of 7 bits: pairs of products then stay within 16


@dataclass(frozen=True)
class Problem:
    """A convolution as ONNX says it: three scales, where itrt has one number an output channel."""

    x: NDArray[np.uint8]  # (height, width, channels)
    w: NDArray[np.int8]  # (out, kernel height, kernel width, channels / groups)
    bias: NDArray[np.int32]
    x_scale: np.float32
    w_scale: NDArray[np.float32]
    y_scale: np.float32
    x_zero_point: int
    y_zero_point: int
    stride: tuple[int, int]
    padding: tuple[int, int, int, int]
    dilation: tuple[int, int]
    groups: int

    def by_itrt(self) -> NDArray[np.uint8]:
        return kernels.conv2d(
            self.x,
            self.w,
            self.bias,
            (self.x_scale * self.w_scale) / self.y_scale,  # each rounded to binary32, as ONNX Runtime does it
            self.x_zero_point,
            self.y_zero_point,
            self.stride,
            self.padding,
            self.dilation,
            self.groups,
        )

    def by_onnx_runtime(self) -> NDArray[np.uint8]:
        from onnx import TensorProto, helper

        constants = {
            "x_scale": self.x_scale,
            "x_zero": np.uint8(self.x_zero_point),
            "w": np.ascontiguousarray(self.w.transpose(0, 3, 1, 2)),
            "w_scale": self.w_scale,
            "w_zero": np.zeros(len(self.w_scale), np.int8),
            "y_scale": self.y_scale,
            "y_zero": np.uint8(self.y_zero_point),
            "bias": self.bias,
        }
        node = helper.make_node(
            "QLinearConv",
            ["x", *constants],
            ["y"],
            kernel_shape=self.w.shape[1:3],
            strides=self.stride,
            pads=self.padding,
            dilations=self.dilation,
            group=self.groups,
        )
        graph = helper.make_graph(
            [node],
            "convolution",
            [helper.make_tensor_value_info("x", TensorProto.UINT8, (1, self.x.shape[2], *self.x.shape[:2]))],
            [helper.make_tensor_value_info("y", TensorProto.UINT8, (1, len(self.w), "height", "width"))],
            [onnx.numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        (found,) = session.run(None, {"x": np.ascontiguousarray(self.x.transpose(2, 0, 1)[None])})
        result: NDArray[np.uint8] = found[0].transpose(1, 2, 0)
        return result


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Shapes around tiles of vectors, geometry that leaves the image, zero points and scales of any value."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    groups = draw(st.sampled_from([1, 1, 1, 2, 3, 8, 16]))
    inputs = groups * (draw(st.sampled_from([1, 2, 3, 4, 7, 8, 16, 17])) if groups == 1 else draw(st.integers(1, 4)))
    outputs = groups * (draw(st.integers(1, 40)) if groups == 1 else draw(st.integers(1, 5)))
    kernel = (draw(st.integers(1, 4)), draw(st.integers(1, 4)))
    dilation = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    padding = (*(draw(st.integers(0, 3)) for _ in range(4)),)
    extent = [dilation[axis] * (kernel[axis] - 1) + 1 for axis in range(2)]
    lowest = [max(1, extent[axis] - padding[axis] - padding[axis + 2]) for axis in range(2)]
    spread = np.sqrt(kernel[0] * kernel[1] * inputs / groups)
    return Problem(
        x=rng.integers(
            0, 256, (lowest[0] + draw(st.integers(0, 6)), lowest[1] + draw(st.integers(0, 20)), inputs), np.uint8
        ),
        w=rng.integers(-_LARGEST_WEIGHT, _LARGEST_WEIGHT, (outputs, *kernel, inputs // groups), np.int8, endpoint=True),
        bias=rng.integers(-20_000, 20_000, outputs, np.int32),
        x_scale=np.float32(rng.uniform(0.005, 0.2)),
        w_scale=(rng.uniform(0.2, 3, outputs) * 0.01).astype(np.float32),
        y_scale=np.float32(rng.uniform(0.05, 0.2) * spread),
        x_zero_point=draw(st.sampled_from([0, 1, 128, 200, 255])),
        y_zero_point=draw(st.integers(0, 255)),
        stride=(draw(st.integers(1, 3)), draw(st.integers(1, 3))),
        padding=(padding[0], padding[1], padding[2], padding[3]),
        dilation=dilation,
        groups=groups,
    )


@settings(deadline=None, max_examples=50)
@given(problems())
def test_equals_qlinearconv_of_onnx_runtime(problem: Problem) -> None:
    np.testing.assert_array_equal(problem.by_itrt(), problem.by_onnx_runtime())
