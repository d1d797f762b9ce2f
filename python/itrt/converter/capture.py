"""Capture: torch.export of the stem, the block at every step, and the head, with dynamic height and width.

The block is exported once a step, with the step as a constant. The exports must have the same operators; parameters
that are equal in all of them become one value, others one value a step (`merge_steps`).
"""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode

from itrt.converter.captured import CapturedNetwork, Section
from itrt.converter.export_reader import read_export
from itrt.converter.merge import any_differs, merge_steps
from itrt.converter.mutation import needs_functionalization
from itrt.errors import ConversionError
from itrt.nn import IterativeNetwork

# Different from each other, and large enough to be more than one pixel at 1/64 (torch.export treats 1 specially). Odd
# ones first: the network then takes images of any size. Some networks (a decoder that doubles what an encoder halved
# five times) only take multiples of 32.
_EXAMPLE_SIZES = ((481, 641), (512, 640))


logger = logging.getLogger("itrt")
_torch_logger = logging.getLogger("torch")


class _ExportError(ConversionError):
    """A part cannot be exported with these arguments; perhaps with those of another size."""

    def __init__(self, message: str, part: nn.Module, arguments: tuple[Tensor, ...]) -> None:
        super().__init__(message)
        self.part = part
        self.arguments = arguments


class _Part(nn.Module):
    """One part of a network as a module of its own, for torch.export; the network's parameters keep their names."""

    def __init__(self, network: nn.Module, function: Callable[..., Tensor]) -> None:
        super().__init__()
        self.network = _children_of(network) if isinstance(network, IterativeNetwork) else network
        self._function = function

    def forward(self, *inputs: Tensor) -> Tensor:
        return self._function(*inputs)


def _children_of(network: IterativeNetwork) -> nn.Module:
    """Return a module with the same children, parameters and buffers.

    An IterativeNetwork may have a child named like a method ("stem"); torch.export would find the method.
    """
    children = nn.Module()
    children._modules = network._modules
    children._parameters = network._parameters
    children._buffers = network._buffers
    children._non_persistent_buffers_set = network._non_persistent_buffers_set
    return children


def capture(network: nn.Module, example_input: Tensor | None = None) -> CapturedNetwork:
    """Capture a network in evaluation mode; the network itself is not changed.

    Parameters
    ----------
    network
        An IterativeNetwork, or any module that maps an image (1, 3, H, W) to logits (1, classes, h, w) or (1, classes).
    example_input
        Float (1, 3, H, W) of a size that the network likes; if None, zeros of 481x641, or of 512x640 where the network
        does not take those.

    Raises
    ------
    ConversionError
        If export fails or the block's steps differ in structure.
    """
    network = copy.deepcopy(network).to("cpu", torch.float32).eval()
    if example_input is None:
        *others, last = (torch.zeros(1, 3, *size) for size in _EXAMPLE_SIZES)
    else:
        others, last = [], example_input.detach().to("cpu", torch.float32)
    for image in others:
        try:
            return _capture(network, image)
        except _ExportError as error:
            logger.info("example of %dx%d: %s", *image.shape[2:], error)
    try:
        return _capture(network, last)
    except _ExportError as error:
        raise ConversionError(f"{error}{_static_size_hint(error)}") from error


def _capture(network: nn.Module, image: Tensor) -> CapturedNetwork:
    if not isinstance(network, IterativeNetwork):
        stem = _export("stem", network, network.__call__, {"image": image})
        return CapturedNetwork(stem, None, None, iterations=1, max_iterations=1, steps=1)

    stem = _export("stem", network, network.stem, {"image": image})
    with torch.no_grad():
        state = torch.zeros_like(network.stem(image))
    steps = network.max_iterations or network.iterations
    blocks = [_export_block(network, state, step) for step in range(steps)]
    block = merge_steps(blocks)
    head = _export("head", network, network.head, {"state": state})
    # One step on its own cannot show whether steps differ: then the network's word counts.
    limited = any_differs(block) or (steps == 1 and network.max_iterations is not None)
    return CapturedNetwork(stem, block, head, network.iterations, steps if limited else None, steps)


def _export_block(network: IterativeNetwork, state: Tensor, step: int) -> Section:
    def block(state: Tensor, features: Tensor) -> Tensor:
        return network.block(state, features, step)

    return _export("block", network, block, {"state": state, "features": state.clone()})


def _export(name: str, network: nn.Module, function: Callable[..., Tensor], inputs: dict[str, Tensor]) -> Section:
    dynamic: Any = torch.export.Dim.DYNAMIC
    part = _Part(network, function).eval()
    shapes = {"inputs": tuple({2: dynamic, 3: dynamic} for _ in inputs)}
    arguments = tuple(inputs.values())
    try:
        with _without_torchs_messages(), _without_shape_cache():
            program = torch.export.export(part, arguments, dynamic_shapes=shapes, strict=False)
            if needs_functionalization(program.graph):
                program = program.run_decompositions({})
    except Exception as error:
        raise _ExportError(
            f"{name} of {type(network).__name__}: torch.export with dynamic height and width failed: {_reason(error)}",
            part,
            arguments,
        ) from error
    return read_export(name, program, tuple(inputs))


def _reason(error: Exception) -> str:
    """Return the first sentence of what torch says; the rest is a report for its developers."""
    if isinstance(error, GuardOnDataDependentSymNode):
        return "its control flow depends on the data, which one captured graph cannot follow"
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[0].split("! For more information")[0] if lines else type(error).__name__


def _static_size_hint(error: _ExportError) -> str:
    """Say so where only the dynamic sizes are in the way."""
    height, width = error.arguments[0].shape[2:]
    try:
        with _without_torchs_messages():
            # torch remembers at the tensors themselves that they were of dynamic size.
            torch.export.export(error.part, tuple(map(torch.zeros_like, error.arguments)), strict=False)
    except Exception:
        return ""
    return f"; it can be exported with a fixed size ({height}x{width}), but itrt's programs take images of any size"


def _without_shape_cache() -> AbstractContextManager[None]:
    """Leave out torch's cache of operators' shapes, whose keys cost more than it saves where sizes are symbols."""
    return torch._dynamo.config.patch(fake_tensor_cache_enabled=False)  # type: ignore[no-any-return]


@contextmanager
def _without_torchs_messages() -> Iterator[None]:
    """Leave out warnings inside torch.export, which the user cannot act on, and its log of what the error says."""
    level = _torch_logger.level
    _torch_logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            yield
    finally:
        _torch_logger.setLevel(level)
