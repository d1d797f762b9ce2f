"""The runtimes that a comparison knows: what each needs, how its model is built, how it runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import find_spec
from typing import Any, cast

from itrt.bench.contender import Contender
from itrt.bench.environment import version
from itrt.bench.workspace import Task
from itrt.errors import InvalidArgumentError


@dataclass(frozen=True)
class Runtime:
    """``distribution`` is what a user installs to run a model; ``modules`` are needed to build one and to run it.

    ``builder`` and ``runner`` name files of `itrt.bench.builders` and `itrt.bench.runners`.
    """

    name: str
    distribution: str
    modules: tuple[str, ...]
    builder: str
    runner: str

    def missing(self) -> tuple[str, ...]:
        """The modules that are not installed."""
        return tuple(name for name in self.modules if find_spec(name) is None)

    def contender(self, task: Task) -> Contender:
        """Build the model, or find it built, and say how to run it; the threads are still to be chosen."""
        build = cast(Callable[[Task], dict[str, Any]], import_module(f"itrt.bench.builders.{self.builder}").build)
        arguments = build(replace(task, version=version(self.distribution) or ""))
        return Contender(self.name, task.iterations, self.runner, arguments)


ITRT = Runtime("itrt", "itrt", ("torch",), "itrt_model", "itrt_runner")
PEERS = (
    Runtime("ONNX Runtime", "onnxruntime", ("onnx", "onnxruntime"), "onnx_unrolled", "onnx_runtime_runner"),
    Runtime("ONNX Runtime, Loop", "onnxruntime", ("onnx", "onnxruntime"), "onnx_loop", "onnx_runtime_runner"),
    Runtime("OpenVINO", "openvino", ("openvino", "nncf"), "openvino_model", "openvino_runner"),
    Runtime(
        "LiteRT",
        "ai-edge-litert",
        ("ai_edge_litert", "litert_torch", "ai_edge_quantizer"),
        "litert_model",
        "litert_runner",
    ),
    Runtime("PyTorch, float32", "torch", ("torch",), "pytorch_model", "pytorch_runner"),
)


def choose_peers(names: Sequence[str]) -> tuple[Runtime, ...]:
    """The peers of these names; all if there are none. Raises InvalidArgumentError for a name that is no peer's."""
    known = {peer.name.lower(): peer for peer in PEERS}
    for name in names:
        if name.lower() not in known:
            expected = ", ".join(peer.name for peer in PEERS)
            raise InvalidArgumentError(f"peer: expected one of {expected}, found {name!r}")
    return tuple(known[name.lower()] for name in names) or PEERS


def installed(peers: Sequence[Runtime]) -> tuple[tuple[Runtime, ...], dict[str, str]]:
    """The peers that can take part, and for the others what is missing."""
    missing = {peer.name: peer.missing() for peer in peers}
    present = tuple(peer for peer in peers if not missing[peer.name])
    return present, {name: f"not installed: {', '.join(found)}" for name, found in missing.items() if found}
