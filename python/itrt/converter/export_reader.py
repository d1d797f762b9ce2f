"""Reads a torch.export program into a `Section`: the only file that knows the layout of torch's graphs."""

from __future__ import annotations

import operator
from typing import Any

import sympy  # type: ignore[import-untyped]
import torch
from torch import Tensor, fx
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind

from itrt.converter.captured import Node, Parameter, Section, Value
from itrt.converter.mutation import changed_input, functional_name
from itrt.errors import ConversionError

_NETWORK_PREFIX = "network"


def read_export(name: str, program: ExportedProgram, inputs: tuple[str, ...]) -> Section:
    """Turn an exported part into a section whose inputs are called ``inputs``.

    Operators that depend on parameters only (weight standardization, constants) are computed here; operators that the
    result does not depend on (heads that only training needs) are left out.

    Raises
    ------
    ConversionError
        If the part has no result that can be one.
    """
    reader = _Reader(program, inputs)
    for node in program.graph.nodes:
        if node.op == "call_function":
            reader.read(node)
    output = reader.output(name)
    nodes = _needed(reader.nodes, output)
    return Section(name, inputs, nodes, output, reader.shapes, reader.dimensions)


class _Reader:
    def __init__(self, program: ExportedProgram, inputs: tuple[str, ...]) -> None:
        self.nodes: list[Node] = []
        self.shapes: dict[str, tuple[int, str, str]] = {}
        self.dimensions: dict[str, tuple[str, ...]] = {}
        self._program = program
        self._values: dict[fx.Node, Value | Parameter] = {}
        self._symbols: dict[sympy.Basic, sympy.Symbol] = {}
        placeholders = {node.name: node for node in program.graph.nodes if node.op == "placeholder"}
        remaining = iter(inputs)
        for spec in program.graph_signature.input_specs:
            node = placeholders[spec.arg.name]
            if spec.kind == InputKind.USER_INPUT:
                self._read_input(node, next(remaining))
            else:
                self._values[node] = Parameter((self._stored(str(spec.target)),))

    def _read_input(self, node: fx.Node, name: str) -> None:
        # All inputs of a section have one size, although export gives each its own symbols.
        for size, symbol in zip(node.meta["val"].shape[2:], ("height", "width"), strict=True):
            self._symbols.setdefault(_expression(size), sympy.Symbol(symbol))
        self._define(node, name)

    def _stored(self, target: str) -> Tensor:
        stored: Any = self._program.state_dict.get(target)
        if stored is None:
            stored = self._program.constants[target]
        return torch.as_tensor(stored.detach())

    def _define(self, node: fx.Node, name: str) -> None:
        self._values[node] = Value(name)
        result = node.meta["val"]
        shape = tuple((result[0] if isinstance(result, (tuple, list)) else result).shape)
        self.dimensions[name] = tuple(self._size(size) for size in shape)
        if len(shape) in (2, 4) and self.dimensions[name][0] == "1" and self.dimensions[name][1].isdigit():
            height, width = self.dimensions[name][2:] or ("1", "1")
            self.shapes[name] = (int(shape[1]), height, width)

    def _size(self, size: Any) -> str:
        return str(_expression(size).subs(self._symbols))

    def read(self, node: fx.Node) -> None:
        """Append the operator to ``nodes``, unless it can be computed here or is arithmetic on sizes."""
        if not _has_tensor(node.meta.get("val")):
            return
        arguments = self._arguments(node)
        depends_on_inputs = any(isinstance(value, Value) for value in _flatten(arguments.values()))
        if not depends_on_inputs and not _mentions_sizes(node):
            self._values[node] = Parameter((self._compute(node),))
        else:
            name = f"value{len(self.nodes)}"  # by position: torch's names also count the arithmetic on sizes
            self._define(node, name)
            self.nodes.append(Node(name, _operator_name(node), arguments, _module_path(node)))
        changed = changed_input(node)
        if changed is not None:
            self._values[changed] = self._values[node]

    def _arguments(self, node: fx.Node) -> dict[str, Any]:
        if node.target is operator.getitem:
            return {"input": self._argument(node.args[0]), "index": node.args[1]}
        schema = getattr(node.target, "_schema", None)
        if schema is None:
            return {str(index): self._argument(value) for index, value in enumerate(node.args)}
        arguments = {}
        for index, argument in enumerate(schema.arguments):
            value = (
                node.args[index] if index < len(node.args) else node.kwargs.get(argument.name, argument.default_value)
            )
            arguments[argument.name] = self._argument(value)
        return arguments

    def _argument(self, value: Any) -> Any:
        if isinstance(value, fx.Node):
            if value in self._values:
                return self._values[value]
            return self._size(value.meta["val"])
        if isinstance(value, (list, tuple)):
            return tuple(self._argument(entry) for entry in value)
        return value

    def _compute(self, node: fx.Node) -> Tensor:
        def stored(argument: fx.Node) -> Tensor:
            value = self._values[argument]
            assert isinstance(value, Parameter)
            return value.values[0].clone() if changed_input(node) is argument else value.values[0]

        args, kwargs = fx.node.map_arg((node.args, node.kwargs), stored)
        with torch.no_grad():
            return torch.as_tensor(node.target(*args, **kwargs))  # type: ignore[operator]

    def output(self, name: str) -> str:
        """Return the name of the section's result: the first, where there are more (the others serve training)."""
        results = self._program.graph.output_node().args[0]
        value = self._values.get(results[0]) if isinstance(results, (tuple, list)) and results else None
        if not isinstance(value, Value) or value.name not in self.shapes:
            raise ConversionError(
                f"{name}: expected a result of shape (1, channels, height, width) or (1, channels), found "
                f"{self._describe(value, results)}"
            )
        return value.name

    def _describe(self, value: Value | Parameter | None, results: Any) -> str:
        if isinstance(value, Value):
            return f"({', '.join(self.dimensions[value.name])})"
        return "a constant" if isinstance(value, Parameter) else repr(results)


def _needed(nodes: list[Node], output: str) -> tuple[Node, ...]:
    """Return the nodes that the output depends on."""
    needed = {output}
    kept = []
    for node in reversed(nodes):
        if node.name in needed:
            kept.append(node)
            needed.update(value.name for value in _flatten(node.arguments.values()) if isinstance(value, Value))
    return tuple(reversed(kept))


def _expression(size: Any) -> sympy.Basic:
    symbolic = isinstance(size, (torch.SymInt, torch.SymFloat, torch.SymBool))
    expression: sympy.Basic = size.node.expr if symbolic else sympy.sympify(size)
    return expression


def _has_tensor(value: Any) -> bool:
    return isinstance(value, Tensor) or (isinstance(value, (tuple, list)) and any(map(_has_tensor, value)))


def _mentions_sizes(node: fx.Node) -> bool:
    return any(not _has_tensor(argument.meta.get("val")) for argument in node.all_input_nodes)


def _flatten(values: Any) -> list[Any]:
    flat = []
    for value in values:
        flat.extend(_flatten(value) if isinstance(value, tuple) else [value])
    return flat


def _operator_name(node: fx.Node) -> str:
    if node.target is operator.getitem:
        return "getitem"
    return str(node.target) if changed_input(node) is None else functional_name(str(node.target))


def _module_path(node: fx.Node) -> str:
    stack = node.meta.get("nn_module_stack") or {}
    path = str(list(stack.values())[-1][0]) if stack else ""
    return path.removeprefix(_NETWORK_PREFIX).removeprefix(".")
