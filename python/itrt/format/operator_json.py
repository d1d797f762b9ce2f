"""Operators as JSON (docs/format.md): constants are blobs beside it, and the JSON names them."""

from __future__ import annotations

from dataclasses import fields
from itertools import groupby
from typing import Any

import numpy as np

from itrt.errors import ModelFileError
from itrt.format.program import (
    AdaptivePool,
    Add,
    Array,
    Constant,
    Convolution,
    DepthToSpace,
    FixedPoint,
    Gather,
    Lookup,
    Multiply,
    Operator,
    Pad,
    Pool,
    Resize,
    Term,
)

DTYPES: dict[str, np.dtype[Any]] = {
    "I8": np.dtype("<i1"),
    "U8": np.dtype("<u1"),
    "I16": np.dtype("<i2"),
    "I32": np.dtype("<i4"),
    "F32": np.dtype("<f4"),
}
_KINDS: dict[str, type[Operator]] = {
    "convolution": Convolution,
    "add": Add,
    "resize": Resize,
    "pool": Pool,
    "adaptive_pool": AdaptivePool,
    "lookup": Lookup,
    "multiply": Multiply,
    "gather": Gather,
    "pad": Pad,
    "depth_to_space": DepthToSpace,
}
_NAMES: dict[type[Operator], str] = {kind: name for name, kind in _KINDS.items()}


def kind_name(operator: Operator) -> str:
    """Return the operator's kind as the file has it, such as ``"adaptive_pool"``."""
    return _NAMES[type(operator)]


def operator_to_json(operator: Operator, blobs: dict[str, Array]) -> dict[str, Any]:
    """Return what the JSON says of an operator; its constants' values are added to `blobs`.

    Raises ModelFileError for a constant of another type, and for two operators of one name.
    """

    def constant(value: Constant, name: str) -> list[str]:
        return _constant_to_json(value, f"{operator.name}.{name}", blobs)

    entry = {"kind": kind_name(operator), **{each.name: getattr(operator, each.name) for each in fields(operator)}}
    match operator:
        case Convolution():
            entry["terms"] = [
                {
                    **{each.name: getattr(term, each.name) for each in fields(term)},
                    "weight": constant(term.weight, f"weight.{index}"),
                }
                for index, term in enumerate(operator.terms)
            ]
            entry["bias"] = constant(operator.bias, "bias")
            entry["scale"] = (
                {name: constant(getattr(operator.scale, name), name) for name in ("multiplier", "shift")}
                if isinstance(operator.scale, FixedPoint)
                else constant(operator.scale, "scale")
            )
        case Lookup():
            entry["table"] = constant(operator.table, "table")
        case Gather():
            entry["channels"] = _runs(operator.channels)
        case _:
            pass
    return entry


def operator_from_json(entry: dict[str, Any], blobs: dict[str, Array]) -> Operator:
    """Return the operator that the JSON describes; the inverse of `operator_to_json`."""

    def constant(names: list[str]) -> Constant:
        return Constant(tuple(blobs[name] for name in names))

    found = {key: _frozen(value) for key, value in entry.items() if key != "kind"}
    if entry["kind"] not in _KINDS:
        raise ValueError(f"operator kind {entry['kind']!r}")
    match entry["kind"]:
        case "convolution":
            found["terms"] = tuple(
                Term(**{**{key: _frozen(value) for key, value in term.items()}, "weight": constant(term["weight"])})
                for term in entry["terms"]
            )
            found["bias"], scale = constant(entry["bias"]), entry["scale"]
            found["scale"] = (
                FixedPoint(constant(scale["multiplier"]), constant(scale["shift"]))
                if isinstance(scale, dict)
                else constant(scale)
            )
        case "lookup":
            found["table"] = constant(entry["table"])
        case "gather":
            found["channels"] = tuple(
                (place, channel + i) for place, channel, count in entry["channels"] for i in range(count)
            )
    return _KINDS[entry["kind"]](**found)


def _constant_to_json(constant: Constant, name: str, blobs: dict[str, Array]) -> list[str]:
    """Add the constant's values to `blobs` and name them."""
    names: list[str] = []
    for step, value in enumerate(constant.values):
        array = np.ascontiguousarray(value)
        if array.dtype not in DTYPES.values():
            known = ", ".join(str(dtype) for dtype in DTYPES.values())
            raise ModelFileError(f"constant {name}: expected one of {known}, found {array.dtype}")
        blob_name = name if len(constant.values) == 1 else f"{name}.{step}"
        if blob_name in blobs:
            raise ModelFileError(f"constant {blob_name}: expected a name of its own, found two operators named alike")
        blobs[blob_name] = array
        names.append(blob_name)
    return names


def _runs(channels: tuple[tuple[int, int], ...]) -> list[list[int]]:
    """Neighbours that stay neighbours as one [place in inputs, first channel, count]."""
    numbered = enumerate(channels)
    # Within a run, a channel's number less its place in the output is always the same.
    runs = groupby(numbered, key=lambda each: (each[1][0], each[1][1] - each[0]))
    members = [[pair for _, pair in run] for _, run in runs]
    return [[run[0][0], run[0][1], len(run)] for run in members]


def _frozen(value: Any) -> Any:
    """Lists as tuples, at every depth."""
    return tuple(_frozen(each) for each in value) if isinstance(value, list) else value
