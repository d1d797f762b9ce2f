"""How each library runs one convolution: functions that a process of its own calls, and that import what they need.

Each returns a function that computes once into memory that was allocated before, so that a library is not charged for
Python's copies; it is called from Python all the same, which a shape of a few pixels shows.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from itrt.bench.one_operator import INPUT, INPUT_SCALE, OUTPUT
from itrt.bench.problems import ConvolutionProblem, Problem

Run = Callable[[], NDArray[Any]]


def open_itrt(problem: Problem, isa: str, threads: int) -> Run:
    """The kernel as `itrt.kernels` runs it."""
    call = problem.prepare(isa).bind(problem.inputs, threads)
    result = call.run()

    def run() -> NDArray[Any]:
        call.time(1)
        return result

    return run


def open_onnx_runtime(model: bytes, problem: ConvolutionProblem, threads: int) -> Run:
    """All graph optimizations; input and output stay where they are."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    source, result = problem.input[None], np.empty((1, *problem.shape.output_shape), np.uint8)
    binding = session.io_binding()
    binding.bind_cpu_input(INPUT, source)
    binding.bind_output(OUTPUT, "cpu", 0, np.uint8, result.shape, result.ctypes.data)

    def run() -> NDArray[Any]:
        session.run_with_iobinding(binding)
        output: NDArray[Any] = result[0]
        return output

    return run


class _OpenVino:
    """Times itself by its own profile, since the graph begins with a quantization that a network would not have."""

    def __init__(self, request: Any, source: NDArray[np.float32], result: NDArray[np.uint8]):
        import openvino

        request.set_input_tensor(openvino.Tensor(source, shared_memory=True))
        request.set_output_tensor(openvino.Tensor(result, shared_memory=True))
        self._request, self._result = request, result
        self._source = source  # the tensor does not keep it alive

    def __call__(self) -> NDArray[Any]:
        self._request.infer()
        output: NDArray[Any] = self._result[0]
        return output

    def seconds(self, calls: int) -> list[float]:
        """From the first convolution on, without changes of the layout, which a network has only at its ends."""
        return [self._profiled() for _ in range(calls)]

    def _profiled(self) -> float:
        self._request.infer()
        nodes = list(self._request.profiling_info)
        first = next(index for index, node in enumerate(nodes) if "Convolution" in node.node_type)
        counted = [node for node in nodes[first:] if node.node_type not in ("Reorder", "Transpose")]
        return float(sum(node.real_time.total_seconds() for node in counted))


def open_openvino(model: bytes, problem: ConvolutionProblem, threads: int) -> Run:
    """One stream, tuned for latency; `model` takes float32."""
    import openvino

    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
        "PERF_COUNT": True,
    }
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(model=model), "CPU", settings)
    source = problem.input[None] * np.float32(INPUT_SCALE)
    result = np.empty((1, *problem.shape.output_shape), np.uint8)
    return _OpenVino(compiled.create_infer_request(), source, result)


def open_torch_avx2(problem: ConvolutionProblem, threads: int) -> Run:
    """float32 with AVX2 alone, channels last; the sum of the terms, neither rounded nor clamped."""
    os.environ["ONEDNN_MAX_CPU_ISA"] = "AVX2"  # read when torch is imported
    os.environ["ATEN_CPU_CAPABILITY"] = "avx2"
    import torch

    torch.set_num_threads(threads)
    scale = problem.scale[:, None, None, None]
    source = _channels_last(problem.input[None].transpose(0, 3, 1, 2))
    weights = [_channels_last(weight.transpose(0, 3, 1, 2) * scale) for weight in problem.weights]
    bias = torch.from_numpy((problem.bias * problem.scale).astype(np.float32))

    def run() -> NDArray[Any]:
        with torch.inference_mode():
            terms = [
                torch.nn.functional.conv2d(
                    source, weight, bias if index == 0 else None, term.stride, term.padding, term.dilation, term.groups
                )
                for index, (weight, term) in enumerate(zip(weights, problem.shape.terms, strict=True))
            ]
            total = terms[0]
            for other in terms[1:]:
                total += other
        result: NDArray[Any] = total.permute(0, 2, 3, 1)[0].numpy()
        return result

    return run


def _channels_last(array: NDArray[Any]) -> Any:
    import torch

    return torch.from_numpy(array.astype(np.float32)).contiguous(memory_format=torch.channels_last)
