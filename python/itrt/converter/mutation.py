"""Operators that change their input: where they are what their functional twins are, and where they are not.

`relu_(x)` has the result of `relu(x)`, and whoever reads x behind it reads that result. So it is enough to read the
operator under its functional name and to rebind x, unless the same memory is read behind it under yet another name
(what x is a view of, a view of x): then torch's functionalization has to say what those names stand for. It takes
longer than the export itself, so it is the exception.
"""

from __future__ import annotations

from torch import fx

# In evaluation they return their input itself, although their schema does not say so.
_ALIASES_UNSAID = {"dropout", "alpha_dropout", "feature_dropout", "feature_alpha_dropout"}


def changed_input(node: fx.Node) -> fx.Node | None:
    """Return the node whose value an operator changes."""
    schema = getattr(node.target, "_schema", None)
    if schema is None or not schema.is_mutable or not node.args:
        return None
    first = node.args[0]
    return first if isinstance(first, fx.Node) else None


def functional_name(name: str) -> str:
    """Return "aten.relu.default" for "aten.relu_.default"."""
    namespace, operator, overload = name.split(".")
    return f"{namespace}.{operator.removesuffix('_')}.{overload}"


def needs_functionalization(graph: fx.Graph) -> bool:
    """Return whether a graph changes values that are read under other names afterwards."""
    nodes = list(graph.nodes)
    position = {node: place for place, node in enumerate(nodes)}
    memory: dict[fx.Node, fx.Node] = {}  # for each node, the one whose result's memory it has
    for node in nodes:
        source = _shares_memory_with(node)
        memory[node] = node if source is None else memory[source]
    for place, node in enumerate(nodes):
        if not _is_mutable(node):
            continue
        changed = changed_input(node)
        if changed is None:
            return True
        names = [other for other in nodes[:place] if memory[other] is memory[changed] and other is not changed]
        if any(position[user] > place for name in names for user in name.users):
            return True
    return False


def _is_mutable(node: fx.Node) -> bool:
    schema = getattr(node.target, "_schema", None)
    return schema is not None and bool(schema.is_mutable)


def _shares_memory_with(node: fx.Node) -> fx.Node | None:
    """Return the input of an operator that its result may be a view of, or that it changes."""
    first = node.args[0] if node.args else None
    if node.op != "call_function" or not isinstance(first, fx.Node):
        return None
    schema = getattr(node.target, "_schema", None)
    if schema is None:  # one of several results, all of them views
        return first
    operator = schema.name.split("::")[-1]
    shares = operator in _ALIASES_UNSAID or any(result.alias_info is not None for result in schema.returns)
    return first if shares else None
