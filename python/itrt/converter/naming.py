"""Names of operators and their tensors: the section, then the place in the module tree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from itrt.converter.captured import Node, Section


class OperatorNames:
    """Names such as "block.join": module paths without what all convolutions of the section share."""

    def __init__(self, section: Section) -> None:
        self._section = section.name
        parents = [node.path.split(".")[:-1] for node in section.nodes if "conv" in node.operator]
        self._root = _common_prefix(parents)
        self._convolutions_in = Counter(tuple(parent) for parent in parents)

    def of(self, node: Node, kind: str) -> str:
        """Return a name for the operator that a node becomes; not yet unique."""
        path = node.path.split(".") if node.path else []
        below = path[len(self._root) :] if path[: len(self._root)] == self._root else path
        if kind != "convolution":
            return ".".join([self._section, *below, kind])
        # "join", not "join.convolution", where the module "join" holds one convolution (and its normalization).
        if len(below) > 1 and self._convolutions_in[tuple(path[:-1])] == 1:
            below = below[:-1]
        return ".".join([self._section, *(below or [kind])])  # a functional convolution has no module of its own


def _common_prefix(paths: Sequence[list[str]]) -> list[str]:
    prefix = list(paths[0]) if paths else []
    for path in paths:
        while path[: len(prefix)] != prefix:
            prefix.pop()
    return prefix
