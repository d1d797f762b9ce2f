"""What a program asks of an accelerator at an image's size: layers with tensors, weights and MAC, as plain data."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from itrt import _core
from itrt.errors import InvalidArgumentError, MissingFileError
from itrt.format import (
    AdaptivePool,
    Add,
    Constant,
    Convolution,
    DepthToSpace,
    Gather,
    Lookup,
    Multiply,
    Operator,
    Pad,
    Pool,
    Program,
    Resize,
    Term,
    inputs_of,
    read,
)
from itrt.format.costs import Size, tensor_sizes, term_macs
from itrt.format.operator_json import kind_name
from itrt.format.program import requantization_of

Section = Literal["stem", "block", "head"]
SECTIONS: tuple[Section, ...] = ("stem", "block", "head")
_ACTIVATION_BYTES = 1  # u8


@dataclass(frozen=True)
class TensorSize:
    """An activation, (height, width, channels) u8, channels last."""

    name: str
    height: int
    width: int
    channels: int

    @property
    def row_bytes(self) -> int:
        """Of one row of pixels."""
        return self.width * self.channels * _ACTIVATION_BYTES

    @property
    def bytes(self) -> int:
        """Of the whole tensor."""
        return self.height * self.row_bytes


@dataclass(frozen=True)
class Constants:
    """Bytes and numbers that one execution reads, and those among them that have one value a step."""

    bytes: int = 0
    per_step_bytes: int = 0
    elements: int = 0
    per_step_elements: int = 0

    def held(self, steps: int) -> int:
        """Bytes of the values of this many steps."""
        return self.bytes + (steps - 1) * self.per_step_bytes


Reads = Literal[
    "window",
    "bilinear",
    "aligned corners",
    "nearest",
    "divided",
    "padded",
    "mirrored",
    "replicated",
    "blocks",
    "everything",
]


_PADDINGS: Mapping[str, Reads] = {"constant": "padded", "reflect": "mirrored", "replicate": "replicated"}


@dataclass(frozen=True)
class Window:
    """What a layer reads of one input.

    ``reads`` says which rows: "window" those that a kernel covers (a kernel of one: element by element), the others as
    docs/numerics.md has it. ``kernel``, ``stride`` and ``dilation`` are (vertical, horizontal), ``padding`` is (top,
    left, bottom, right). Two windows of a layer may read the same tensor.
    """

    input: int
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    groups: int = 1
    macs: int = 0
    loop_invariant: bool = False
    reads: Reads = "window"


@dataclass(frozen=True)
class Layer:
    """One execution of an operator.

    ``index`` is the operator's place in its section, ``kind`` its kind in the file; ``output`` and the inputs of
    ``windows`` are indices of `Workload.tensors`. ``weights`` are int8, as the file stores them; ``vectors`` are bias
    and requantization, or a lookup's tables.
    """

    section: Section
    index: int
    name: str
    kind: str
    output: int
    windows: tuple[Window, ...]
    weights: Constants
    vectors: Constants

    @property
    def macs(self) -> int:
        """Multiply-accumulates; those with padding are counted, too."""
        return sum(window.macs for window in self.windows)

    @property
    def inputs(self) -> tuple[int, ...]:
        """The tensors that it reads, each once."""
        return tuple(dict.fromkeys(window.input for window in self.windows))

    @property
    def constant_bytes(self) -> int:
        """Bytes of weights and vectors that one execution reads."""
        return self.weights.bytes + self.vectors.bytes


@dataclass(frozen=True)
class Workload:
    """A run: the stem once, the block ``iterations`` times, the head ``answers`` times, at one image size.

    ``layers`` are those of stem, block and head in this order. The block reads ``state`` and leaves ``next_state``;
    both are None in a network without a loop.
    """

    name: str
    iterations: int
    answers: int
    tensors: tuple[TensorSize, ...]
    layers: tuple[Layer, ...]
    image: int
    state: int | None
    next_state: int | None
    logits: int

    def section(self, section: Section) -> tuple[Layer, ...]:
        """The layers of a section."""
        return tuple(layer for layer in self.layers if layer.section == section)

    def executions(self, section: Section) -> int:
        """How often a section runs."""
        return {"stem": 1, "block": self.iterations, "head": self.answers}[section]

    @property
    def macs(self) -> int:
        """Of the whole run."""
        return sum(layer.macs * self.executions(layer.section) for layer in self.layers)

    def rows_read(self, layer: Layer, window: Window) -> _core.RowsRead:
        """Which rows of a window's input a layer reads for a row of its output (plan/stripes.h)."""
        height, output_height = self.tensors[window.input].height, self.tensors[layer.output].height
        top, bottom = window.padding[0], window.padding[2]
        match window.reads:
            case "window":
                return _core.RowsRead.convolution(window.kernel[0], window.stride[0], top, window.dilation[0])
            case "bilinear":
                return _core.RowsRead.bilinear(height, output_height)
            case "aligned corners":
                return _core.RowsRead.aligned_corners(height, output_height)
            case "nearest":
                return _core.RowsRead.nearest(height, output_height)
            case "divided":
                return _core.RowsRead.divided(height, output_height)
            case "padded":
                return _core.RowsRead.padded(top, 0)
            case "mirrored":
                return _core.RowsRead.padded(top, max(top, bottom, 0))
            case "replicated":
                return _core.RowsRead.replicated(top)
            case "blocks":
                return _core.RowsRead.blocks(output_height // height)
            case "everything":
                return _core.RowsRead.everything(height)

    def input_rows(self, layer: Layer, window: Window, first: int, last: int) -> tuple[int, int]:
        """Return the rows [begin, end) of an input that a layer reads for the rows [first, last) of its output."""
        return self.rows_read(layer, window).of(first, last, self.tensors[window.input].height)


def load_workload(
    model: Program | str | os.PathLike[str] | bytes,
    height: int,
    width: int,
    iterations: int | None = None,
    answers: int = 1,
) -> Workload:
    """Return the layers of a model at an image's size.

    Parameters
    ----------
    model
        A program, the path of an ``.itrt`` file, or a file's bytes.
    height, width
        Of the image, in pixels.
    iterations
        How often the block runs. Default: as often as the network was trained with.
    answers
        How often the head runs, 1 to ``iterations``: after the last iterations.

    Raises
    ------
    MissingFileError
        If the model is a path without a file.
    ModelFileError
        If the bytes are not a whole and valid model.
    InvalidArgumentError
        For a number out of range, or an image that is too small for the network.
    """
    program = model if isinstance(model, Program) else _validated(read_model(model))
    count = _checked("iterations", program.iterations if iterations is None else iterations, program.max_iterations)
    sizes = tensor_sizes(program, _checked("height", height, None), _checked("width", width, None))
    tensors = tuple(
        TensorSize(tensor.name, *size, tensor.channels) for tensor, size in zip(program.tensors, sizes, strict=True)
    )
    sections: Mapping[Section, tuple[Operator, ...]] = {
        "stem": program.stem,
        "block": program.block,
        "head": program.head,
    }
    layers = tuple(
        _layer(section, index, operator, tensors)
        for section in SECTIONS
        for index, operator in enumerate(sections[section])
    )
    return Workload(
        name=program.name,
        iterations=count,
        answers=_checked("answers", answers, count),
        tensors=tensors,
        layers=layers,
        image=program.image,
        state=program.state,
        next_state=program.next_state,
        logits=program.logits,
    )


def read_model(model: str | os.PathLike[str] | bytes) -> bytes:
    """Return a model's bytes. Raises MissingFileError where there is no such file."""
    if isinstance(model, bytes):
        return model
    if not isinstance(model, str | os.PathLike):
        raise InvalidArgumentError(f"model: expected a program, a path or bytes, found {type(model).__name__}")
    if not Path(model).is_file():
        raise MissingFileError(f"model {model!s}: expected a file, found none")
    return Path(model).read_bytes()


def _validated(contents: bytes) -> Program:
    _core.Program(contents, "portable")  # validates: `read` is for looking into what is valid
    return read(contents)


def _checked(name: str, value: int, highest: int | None) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidArgumentError(f"{name}: expected an integer, found {value!r}")
    if value < 1 or (highest is not None and value > highest):
        limit = "at least 1" if highest is None else f"1 to {highest}"
        raise InvalidArgumentError(f"{name}: expected {limit}, found {value}")
    return value


def _layer(section: Section, index: int, operator: Operator, tensors: tuple[TensorSize, ...]) -> Layer:
    weights = vectors = Constants()
    if isinstance(operator, Convolution):
        weights = _constants([term.weight for term in operator.terms])
        vectors = _constants([*requantization_of(operator)])
    elif isinstance(operator, Lookup):
        vectors = _constants([operator.table])
    windows = _windows(operator, tensors)
    return Layer(section, index, operator.name, kind_name(operator), operator.output, windows, weights, vectors)


def _constants(constants: list[Constant]) -> Constants:
    all_values = [constant.at(0) for constant in constants]
    per_step = [constant.at(0) for constant in constants if len(constant.values) > 1]
    return Constants(
        bytes=sum(value.nbytes for value in all_values),
        per_step_bytes=sum(value.nbytes for value in per_step),
        elements=sum(value.size for value in all_values),
        per_step_elements=sum(value.size for value in per_step),
    )


def _windows(operator: Operator, tensors: tuple[TensorSize, ...]) -> tuple[Window, ...]:
    height = tensors[operator.output].height
    match operator:
        case Convolution():
            size = height, tensors[operator.output].width
            return tuple(_window(term, size) for term in operator.terms)
        case Pool():
            return (Window(operator.input, operator.kernel, operator.stride, operator.dilation, operator.padding),)
        case Pad():
            return (Window(operator.input, padding=operator.padding, reads=_PADDINGS[operator.mode]),)
        case Multiply():  # an input of one pixel is read for every row
            return tuple(
                Window(index, reads="window" if tensors[index].height == height else "everything")
                for index in operator.inputs
            )
        case Resize():
            return (Window(operator.input, reads="aligned corners" if operator.align_corners else operator.mode),)
        case AdaptivePool():
            return (Window(operator.input, reads="divided"),)
        case DepthToSpace():
            return (Window(operator.input, reads="blocks"),)
        case Add() | Lookup() | Gather():
            return tuple(Window(index) for index in inputs_of(operator))


def _window(term: Term, output_size: Size) -> Window:
    _, height, width, _ = term.weight.at(0).shape
    return Window(
        input=term.input,
        kernel=(height, width),
        stride=term.stride,
        dilation=term.dilation,
        padding=term.padding,
        groups=term.groups,
        macs=term_macs(term, output_size),
        loop_invariant=term.loop_invariant,
    )
