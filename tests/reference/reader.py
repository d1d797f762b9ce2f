"""A reader and an executor that know docs/format.md and docs/numerics.md, and nothing of the product.

Naive on purpose: the program stays the dictionary that the JSON is, and an operator is executed by its `kind`.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from reference import operators
from reference.operators import U8, OracleTerm

_DTYPES = {"I8": "<i1", "U8": "<u1", "I16": "<i2", "I32": "<i4", "F32": "<f4"}
_CHECKSUM_KEY = b'"checksum":"'


@dataclass(frozen=True)
class File:
    """``program`` is the JSON, ``blobs`` are arrays by their names."""

    program: dict[str, Any]
    blobs: dict[str, np.ndarray]

    def constant(self, names: list[str], step: int) -> np.ndarray:
        """A constant's value in an iteration."""
        return self.blobs[names[step if len(names) > 1 else 0]]

    def zero_points(self, tensor: int) -> list[int]:
        """One, or one a channel."""
        points: list[int] = self.program["tensors"][tensor]["zero_points"]
        return points


def read_file(data: bytes) -> File:
    """Take a file apart; what it says of itself (format, checksum, layout) has to be so."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    metadata = header.pop("__metadata__")
    assert (metadata["format"], metadata["format_version"]) == ("itrt", "3")
    at = data.index(_CHECKSUM_KEY) + len(_CHECKSUM_KEY)
    assert f"{zlib.crc32(data[:at] + b'0' * 8 + data[at + 8 :]):08x}" == metadata["checksum"]
    blobs, end = {}, 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        begin, after = entry["data_offsets"]
        assert begin == end, f"{name}: a gap"
        end = after
        content = data[8 + length + begin : 8 + length + after]
        blobs[name] = np.frombuffer(content, _DTYPES[entry["dtype"]]).reshape(entry["shape"])
    assert end == len(data) - 8 - length
    return File(json.loads(metadata["program"]), blobs)


def run(file: File, image: U8, iterations: int | None = None) -> U8:
    """The logits, u8 (height, width, classes), of an RGB image, (height, width, 3) u8."""
    program = file.program
    in_order = image if program["preprocessing"]["color_order"] == "RGB" else image[:, :, ::-1]
    values = {program["image"]: in_order}
    step = 0
    _section(file, program["stem"], values, step)
    if program["state"] is not None:
        for step in range(program["iterations"] if iterations is None else iterations):
            _section(file, program["block"], values, step)
            values[program["state"]] = values[program["next_state"]]
    _section(file, program["head"], values, step)
    return values[program["logits"]]


def _section(file: File, section: list[dict[str, Any]], values: dict[int, U8], step: int) -> None:
    for operator in section:
        values[operator["output"]] = _execute(file, operator, values, step)


def _execute(file: File, operator: dict[str, Any], values: dict[int, U8], step: int) -> U8:
    fields = SimpleNamespace(**operator)
    value = values[fields.input] if "input" in operator else np.zeros((0, 0, 0), np.uint8)
    inputs = [values[index] for index in operator.get("inputs", ())]
    zero_point = file.zero_points(fields.input)[0] if "input" in operator else 0
    zero_points = [file.zero_points(index)[0] for index in operator.get("inputs", ())]
    own_zero_point = file.zero_points(fields.output)[0]
    match fields.kind:
        case "convolution":
            terms = [_term(file, term, values, step) for term in fields.terms]
            bias = file.constant(fields.bias, step)
            if isinstance(fields.scale, dict):
                factor = [file.constant(fields.scale[name], step) for name in ("multiplier", "shift")]
                return operators.fixed_convolution(terms, bias, *factor, own_zero_point, fields.clamp)
            return operators.convolution(terms, bias, file.constant(fields.scale, step), own_zero_point, fields.clamp)
        case "add":
            return operators.add(inputs, zero_points, fields.multipliers, fields.shift, own_zero_point, fields.clamp)
        case "multiply":
            pair = (inputs[0], inputs[1]), (zero_points[0], zero_points[1])
            return operators.multiply(*pair, fields.multiplier, fields.shift, own_zero_point, fields.clamp)
        case "resize":
            height, width = _size(fields, values)
            if fields.mode == "nearest":
                return operators.resize_nearest(value, height, width)
            return operators.resize(value, height, width, fields.align_corners)
        case "pool" if fields.mode == "max":
            return operators.max_pool(value, fields)
        case "pool":
            return operators.average_pool(value, zero_point, fields, own_zero_point)
        case "adaptive_pool":
            factor = fields.multiplier, fields.shift
            return operators.adaptive_average_pool(value, zero_point, fields.size, *factor, own_zero_point)
        case "lookup":
            return operators.lookup(value, file.constant(fields.table, step))
        case "gather":
            channels = [(place, first + i) for place, first, count in fields.channels for i in range(count)]
            return operators.gather(inputs, channels)
        case "pad":
            return operators.pad(value, zero_point, fields.padding, fields.mode)
        case "depth_to_space":
            return operators.depth_to_space(value, fields.block)
    raise AssertionError(f"kind {fields.kind}")


def _term(file: File, term: dict[str, Any], values: dict[int, U8], step: int) -> OracleTerm:
    return OracleTerm(
        values[term["input"]],
        file.zero_points(term["input"]),
        file.constant(term["weight"], step),
        term["stride"],
        term["padding"],
        term["dilation"],
        term["groups"],
    )


def _size(resize: SimpleNamespace, values: dict[int, U8]) -> tuple[int, int]:
    """Height and width of a resize's output."""
    if resize.size_of is not None:
        height, width = values[resize.size_of].shape[:2]
        return height, width
    if resize.size is not None:
        height, width = resize.size
        return height, width
    (height, width), ((down, below), (across, beside)) = values[resize.input].shape[:2], resize.factor
    return height * down // below, width * across // beside
