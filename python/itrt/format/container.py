"""The file: a safetensors container whose metadata holds the program as JSON (docs/format.md).

`write` and `read` are inverses; the same program gives the same bytes. `read` is for tools that look into a file
(inspection, export): the runtime has its own reader, which trusts nothing.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from itrt.errors import ModelFileError
from itrt.files import write_atomically
from itrt.format.operator_json import DTYPES, operator_from_json, operator_to_json
from itrt.format.program import FORMAT_VERSION, Array, Operator, Preprocessing, Program, Tensor

_NAMES = {dtype: name for name, dtype in DTYPES.items()}
_CHECKSUM_PLACEHOLDER = "00000000"
_MAX_HEADER_BYTES = 16 << 20


def write(program: Program, path: str | os.PathLike[str]) -> None:
    """Store the program: written beside `path` and renamed, so that a reader never sees half a file."""
    write_atomically(Path(path), to_bytes(program))


def to_bytes(program: Program) -> bytes:
    """The file's bytes."""
    blobs: dict[str, Array] = {}
    document = {
        "name": program.name,
        "iterations": program.iterations,
        "max_iterations": program.max_iterations,
        "tensors": [asdict(tensor) for tensor in program.tensors],
        "image": program.image,
        "state": program.state,
        "next_state": program.next_state,
        "logits": program.logits,
        "stem": [operator_to_json(operator, blobs) for operator in program.stem],
        "block": [operator_to_json(operator, blobs) for operator in program.block],
        "head": [operator_to_json(operator, blobs) for operator in program.head],
        "preprocessing": asdict(program.preprocessing),
        "classes": list(program.classes),
        "palette": [list(color) for color in program.palette],
        "metadata": dict(sorted(program.metadata.items())),
    }
    header: dict[str, Any] = {
        "__metadata__": {
            "format": "itrt",
            "format_version": str(FORMAT_VERSION),
            "checksum": _CHECKSUM_PLACEHOLDER,
            "program": json.dumps(document, separators=(",", ":"), ensure_ascii=True, allow_nan=False),
        }
    }
    offset = 0
    for name, blob in blobs.items():
        header[name] = {
            "dtype": _NAMES[blob.dtype],
            "shape": list(blob.shape),
            "data_offsets": [offset, offset + blob.nbytes],
        }
        offset += blob.nbytes
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=True).encode("ascii")
    text += b" " * (-len(text) % 8)  # data starts on a multiple of eight
    data = struct.pack("<Q", len(text)) + text + b"".join(blob.tobytes() for blob in blobs.values())
    return _replace_checksum(data, f"{zlib.crc32(data):08x}")


def _replace_checksum(data: bytes, checksum: str) -> bytes:
    """The checksum is the CRC-32 of the whole file while its own eight digits are zeros."""
    key = b'"checksum":"'
    at = data.index(key) + len(key)
    return data[:at] + checksum.encode("ascii") + data[at + 8 :]


def read(source: str | os.PathLike[str] | bytes) -> Program:
    """The program in a file (or its bytes).

    Raises ModelFileError where the bytes are not an itrt model.
    """
    data = source if isinstance(source, bytes) else Path(source).read_bytes()
    try:
        (length,) = struct.unpack_from("<Q", data)
        if length > min(_MAX_HEADER_BYTES, len(data) - 8):
            raise ValueError(f"header of {length} bytes in a file of {len(data)}")
        header = json.loads(data[8 : 8 + length])
        metadata = header.pop("__metadata__")
        if metadata.get("format") != "itrt" or metadata.get("format_version") != str(FORMAT_VERSION):
            raise ValueError(f"format {metadata.get('format')!r} version {metadata.get('format_version')!r}")
        checksum = zlib.crc32(_replace_checksum(data, _CHECKSUM_PLACEHOLDER))
        if metadata["checksum"] != f"{checksum:08x}":
            raise ValueError(f"checksum {metadata['checksum']}, the bytes give {checksum:08x}")
        blobs = {
            name: np.frombuffer(
                data[8 + length + entry["data_offsets"][0] : 8 + length + entry["data_offsets"][1]],
                DTYPES[entry["dtype"]],
            ).reshape(entry["shape"])
            for name, entry in header.items()
        }
        return _program_from_json(json.loads(metadata["program"]), blobs)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, struct.error) as error:
        raise ModelFileError(f"model file: expected itrt format version {FORMAT_VERSION}, found {error}") from error


def _program_from_json(document: dict[str, Any], blobs: dict[str, Array]) -> Program:
    def operators(section: str) -> tuple[Operator, ...]:
        return tuple(operator_from_json(entry, blobs) for entry in document[section])

    return Program(
        name=document["name"],
        iterations=document["iterations"],
        max_iterations=document["max_iterations"],
        tensors=tuple(Tensor(**{**entry, "zero_points": tuple(entry["zero_points"])}) for entry in document["tensors"]),
        image=document["image"],
        state=document["state"],
        next_state=document["next_state"],
        logits=document["logits"],
        stem=operators("stem"),
        block=operators("block"),
        head=operators("head"),
        preprocessing=Preprocessing(
            mean=tuple(document["preprocessing"]["mean"]),
            std=tuple(document["preprocessing"]["std"]),
            color_order=document["preprocessing"]["color_order"],
        ),
        classes=tuple(document["classes"]),
        palette=tuple((red, green, blue) for red, green, blue in document["palette"]),
        metadata=document["metadata"],
    )
