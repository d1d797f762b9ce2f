"""Operators that change their input: where they are what their functional twins are, and where they are not.

`relu_(x)` has the result of `relu(x)`, and whoever reads x behind it reads that result. So it is enough to read the
operator under its functional name and to rebind x, unless x is a view of something or has views: they change, too, and
torch's functionalization has to find out which. It takes longer than the export itself, so it is the exception.
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
    """Return whether a graph changes values that may be known by other names."""
    for node in graph.nodes:
        if not _is_mutable(node):
            continue
        changed = changed_input(node)
        if changed is None or _may_alias(changed) or any(map(_may_alias, changed.users)):
            return True
    return False


def _is_mutable(node: fx.Node) -> bool:
    schema = getattr(node.target, "_schema", None)
    return schema is not None and bool(schema.is_mutable)


def _may_alias(node: fx.Node) -> bool:
    """Return whether a value may share memory with an input of its operator, other than by changing it."""
    schema = getattr(node.target, "_schema", None)
    if schema is None or schema.is_mutable:
        return node.op == "call_function" and schema is None  # getitem of a split, say
    operator = schema.name.split("::")[-1]
    return operator in _ALIASES_UNSAID or any(result.alias_info is not None for result in schema.returns)
