"""``itrt inspect``: what is in a model file, and what it costs at an image size."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Group
from rich.table import Table
from rich.text import Text

from itrt import Model, load
from itrt.cli import console
from itrt.cli.size import parse_size
from itrt.format import FORMAT_VERSION, Add, Convolution, Operator, Pool, Program, Term, inputs_of, read
from itrt.format.costs import OperatorCosts, Size, operator_costs, tensor_sizes
from itrt.format.operations import total_operations
from itrt.format.operator_json import kind_name
from itrt.format.program import constants_of
from itrt.loading import read_model
from itrt.text import shortened

_SECTIONS = {"stem": "once", "block": "every iteration", "head": "every answer"}


def inspect(
    file: Annotated[str, typer.Argument(metavar="FILE", help="An .itrt file, or a packaged model's name.")],
    size: Annotated[str, typer.Option(help="Height and width of an image: sizes and MAC are for it.")] = "360x480",
    tensors: Annotated[
        bool, typer.Option("--tensors", help="List the tensors with scale and zero point, too.")
    ] = False,
) -> None:
    """Show the operators of a model, their sizes and what they cost."""
    height, width = parse_size(size)
    model = load(file)  # validates everything
    program = read(read_model(file)[0])
    sizes = tensor_sizes(program, height, width)
    terminal = console.output()
    terminal.print(_summary(program, model, sizes))
    totals = {}
    for section, when in _SECTIONS.items():
        operators: tuple[Operator, ...] = getattr(program, section)
        costs = [operator_costs(operator, sizes) for operator in operators]
        totals[section] = sum(cost.macs for cost in costs)
        if operators:
            terminal.print()
            terminal.print(
                _operator_table(program, f"{section}: {when}", list(zip(operators, costs, strict=True)), sizes)
            )
    if tensors:
        terminal.print()
        terminal.print(_tensor_table(program, sizes))
    terminal.print()
    terminal.print(_total(program, totals, sizes[program.image]), soft_wrap=True)


def _summary(program: Program, model: Model, sizes: tuple[Size, ...]) -> Group:
    height, width = sizes[program.image]
    limit = "any number" if program.max_iterations is None else f"at most {program.max_iterations}"
    preprocessing = program.preprocessing
    mean, std = (", ".join(f"{value:.4g}" for value in values) for values in (preprocessing.mean, preprocessing.std))
    rows = [
        ("model", program.name),
        ("file", f"{console.binary_size(model.file_bytes)}, format version {FORMAT_VERSION}"),
        ("iterations", f"trained for {program.iterations}, runs {limit}"),
        ("image", f"any size, {preprocessing.color_order}, mean {mean}, standard deviation {std}"),
        (
            "answer",
            f"{len(program.classes)} classes, logits {_shape(program, program.logits, sizes)} at {height}x{width}",
        ),
        ("arithmetic", _arithmetic(program, sizes)),
        ("arena", f"{console.binary_size(model.arena_bytes(height, width))} at {height}x{width}"),
        *((name, shortened(value)) for name, value in program.metadata.items()),
    ]
    classes = Text("  ").join(
        console.swatch(color) + Text(f" {name}") for name, color in zip(program.classes, program.palette, strict=False)
    )
    return Group(console.facts(rows), Text(), classes)


def _arithmetic(program: Program, sizes: tuple[Size, ...]) -> str:
    """What turns sums into bytes, in one iteration (the first) and around the loop."""
    found = {section: total_operations(program, getattr(program, section), sizes) for section in _SECTIONS}
    if not any(operations.float_operations for operations in found.values()):
        products = sum(operations.multiplications for operations in found.values())
        return f"integers alone; {console.millions(products)} multiplications beside the MAC in stem, block and head"
    counts = [
        f"{console.millions(operations.float_operations)} in the {section}"
        for section, operations in found.items()
        if getattr(program, section)
    ]
    return "binary32 operations: " + ", ".join(counts)


def _operator_table(
    program: Program, title: str, rows: list[tuple[Operator, OperatorCosts]], sizes: tuple[Size, ...]
) -> Table:
    columns = ("operator", "kind", "terms", "output", "MAC", "parameters", "")
    table = console.table(*columns, title=title, numbers=["MAC", "parameters"], wrapped="terms")
    for operator, costs in rows:
        terms = Text("\n".join(_terms(program, operator)))
        output = _shape(program, operator.output, sizes)
        numbers = (console.millions(costs.macs), f"{costs.parameters:,}")
        table.add_row(operator.name, _kind(operator), terms, output, *numbers, _per_step_mark(operator))
    table.add_section()
    macs, parameters = (sum(getattr(costs, field) for _, costs in rows) for field in ("macs", "parameters"))
    table.add_row("total", "", "", "", console.millions(macs), f"{parameters:,}", style="bold")
    return table


def _kind(operator: Operator) -> str:
    kind = kind_name(operator).replace("_", " ")
    return f"{kind}, {operator.mode}" if isinstance(operator, Pool) else kind


def _terms(program: Program, operator: Operator) -> list[str]:
    match operator:
        case Convolution():
            return [_term(program, term) for term in operator.terms]
        case Add():
            factors = zip(operator.inputs, operator.multipliers, strict=True)
            return [f"{program.tensors[index].name} * {factor * 2.0**-operator.shift:.4g}" for index, factor in factors]
        case Pool():
            window = _window(operator.kernel, stride=operator.stride, dilation=operator.dilation)
            return [f"{program.tensors[operator.input].name}, {window}"]
        case _:
            return [program.tensors[index].name for index in inputs_of(operator)]


def _term(program: Program, term: Term) -> str:
    window = _window(term.weight.at(0).shape[1:], stride=term.stride, dilation=term.dilation)
    text = f"{program.tensors[term.input].name}, {window}"
    if term.groups > 1:
        text += f" {term.groups} groups"
    return text + (" (loop-invariant)" if term.loop_invariant else "")


def _window(kernel: tuple[int, ...], **pairs: tuple[int, int]) -> str:
    text = "x".join(str(extent) for extent in kernel)
    for name, pair in pairs.items():
        if pair != (1, 1):
            text += f" {name} {pair[0]}" + (f"x{pair[1]}" if pair[0] != pair[1] else "")
    return text


def _per_step_mark(operator: Operator) -> str:
    if isinstance(operator, Convolution) and any(len(term.weight.values) > 1 for term in operator.terms):
        return "**"
    return "*" if any(len(constant.values) > 1 for constant in constants_of(operator)) else ""


def _shape(program: Program, tensor: int, sizes: tuple[Size, ...]) -> str:
    height, width = sizes[tensor]
    return f"{height}x{width}x{program.tensors[tensor].channels}"


def _tensor_table(program: Program, sizes: tuple[Size, ...]) -> Table:
    roles = {program.image: "image", program.state: "state", program.next_state: "next state", program.logits: "logits"}
    table = console.table("tensor", "role", "shape", "scale", "zero point", title="tensors", numbers=["scale"])
    for index, tensor in enumerate(program.tensors):
        points = ", ".join(str(point) for point in tensor.zero_points)
        shape = _shape(program, index, sizes)
        table.add_row(tensor.name, roles.get(index, ""), shape, f"{tensor.scale:.6g}", points)
    return table


def _total(program: Program, macs: dict[str, int], size: Size) -> Text:
    count = program.iterations if program.block else 0
    total = macs["stem"] + count * macs["block"] + macs["head"]
    parts = "stem + head" if not count else f"stem + {count} x block + head"
    text = f"{total / 1e9:.3f} G MAC for one answer at {size[0]}x{size[1]}: {parts}"
    if program.max_iterations is not None:
        text += "\n* bias and scale, or table, ** weights, too: one a step, all of them counted"
    return Text(text)
