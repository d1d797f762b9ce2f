"""itrt.format: what is written is what is read, byte for byte, and anything else is a ModelFileError."""

import dataclasses
import json
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from itrt.errors import ModelFileError
from itrt.format import Constant, Convolution, Program, read, to_bytes, write
from reference.fixed_point import with_fixed_point
from reference.programs import random_program
from reference.small_program import small_program


def plain(value: object) -> object:
    """Dataclasses as nested tuples, arrays as (dtype, shape, bytes): things that == compares."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if dataclasses.is_dataclass(value):
        return type(value).__name__, [plain(getattr(value, field.name)) for field in dataclasses.fields(value)]
    if isinstance(value, tuple):
        return tuple(plain(each) for each in value)
    return value


def header_of(file: bytes) -> tuple[dict[str, object], bytes]:
    (length,) = struct.unpack_from("<Q", file)
    header: dict[str, object] = json.loads(file[8 : 8 + length])
    return header, file[8 + length :]


@pytest.mark.parametrize("seed", range(20))
def test_a_program_survives_its_file(seed: int, tmp_path: Path) -> None:
    program = random_program(seed)
    path = tmp_path / "model.itrt"
    write(program, path)
    assert plain(read(path)) == plain(program)
    assert plain(read(str(path))) == plain(program)
    assert plain(read(path.read_bytes())) == plain(program)


def test_the_same_program_gives_the_same_bytes() -> None:
    assert to_bytes(small_program()) == to_bytes(small_program())
    program = small_program()
    one = dataclasses.replace(program, metadata={"a": "1", "b": "2"})
    other = dataclasses.replace(program, metadata={"b": "2", "a": "1"})
    assert to_bytes(one) == to_bytes(other)
    assert to_bytes(read(to_bytes(one))) == to_bytes(one)


def test_constants_need_not_be_contiguous() -> None:
    program = small_program(None)
    first = program.stem[0]
    assert isinstance(first, Convolution)
    weight = first.terms[0].weight.values[0]
    turned = np.asfortranarray(weight)
    assert not turned.flags.c_contiguous
    term = dataclasses.replace(first.terms[0], weight=Constant((turned,)))
    same = dataclasses.replace(program, stem=(dataclasses.replace(first, terms=(term,)), *program.stem[1:]))
    assert to_bytes(same) == to_bytes(program)


def test_the_container_is_as_documented() -> None:
    """docs/format.md, sentence by sentence."""
    file = to_bytes(small_program())
    (length,) = struct.unpack_from("<Q", file)
    assert length % 8 == 0
    header, data = header_of(file)
    metadata = header.pop("__metadata__")
    assert isinstance(metadata, dict)
    assert metadata.keys() == {"format", "format_version", "checksum", "program"}
    assert (metadata["format"], metadata["format_version"]) == ("itrt", "3")
    zeroed = file.replace(metadata["checksum"].encode(), b"00000000", 1)
    assert metadata["checksum"] == f"{zlib.crc32(zeroed):08x}"
    assert json.loads(metadata["program"]).keys() == {field.name for field in dataclasses.fields(Program)}
    end = 0
    for entry in header.values():
        assert isinstance(entry, dict)
        assert entry["dtype"] in ("I8", "U8", "I32", "F32")
        begin, stop = entry["data_offsets"]
        assert begin == end
        assert stop - begin == np.prod(entry["shape"]) * (1 if entry["dtype"] in ("I8", "U8") else 4)
        end = stop
    assert end == len(data)


def test_fixed_point_stands_in_place_of_a_scale() -> None:
    program = with_fixed_point(small_program(3))
    data = to_bytes(program)
    blobs = header_of(data)[0]
    metadata = blobs["__metadata__"]
    assert isinstance(metadata, dict)
    join = json.loads(metadata["program"])["block"][0]
    assert join["scale"] == {
        "multiplier": ["join.multiplier.0", "join.multiplier.1", "join.multiplier.2"],
        "shift": ["join.shift.0", "join.shift.1", "join.shift.2"],
    }
    types = {name: entry["dtype"] for name, entry in blobs.items() if isinstance(entry, dict) and "dtype" in entry}
    assert (types["join.multiplier.1"], types["join.shift.1"]) == ("I16", "U8")
    assert to_bytes(read(data)) == data


def test_blobs_are_named_after_their_operators() -> None:
    names = set(header_of(to_bytes(small_program(3)))[0]) - {"__metadata__"}
    assert {"stem.weight.0", "stem.bias", "join.weight.1", "join.bias.0", "join.bias.2", "join.scale.1"} <= names
    assert "join.bias" not in names


def test_a_file_is_replaced_in_one_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.itrt"
    write(small_program(None), path)
    before = path.read_bytes()

    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full_disk)
        with pytest.raises(OSError, match="No space left"):
            write(small_program(3), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    write(small_program(3), path)
    assert path.read_bytes() != before
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_as_readable_as_any_other(tmp_path: Path) -> None:
    mask = os.umask(0o027)
    try:
        write(small_program(), tmp_path / "model.itrt")
    finally:
        os.umask(mask)
    assert (tmp_path / "model.itrt").stat().st_mode & 0o777 == 0o640


# --- programs that cannot be written ---


def test_constants_of_another_type() -> None:
    program = small_program(None)
    first = program.stem[0]
    assert isinstance(first, Convolution)
    wrong = dataclasses.replace(first, scale=Constant((first.scale.values[0].astype(np.float64),)))
    with pytest.raises(
        ModelFileError, match=r"constant stem\.scale: expected one of int8, uint8, int16, int32, float32, found float64"
    ):
        to_bytes(dataclasses.replace(program, stem=(wrong, *program.stem[1:])))


def test_operators_of_the_same_name() -> None:
    """The second one's weights would silently replace the first one's."""
    program = small_program(None)
    head = dataclasses.replace(program.head[0], name="stem")
    with pytest.raises(ModelFileError, match=r"constant stem\.weight\.0: expected a name of its own"):
        to_bytes(dataclasses.replace(program, head=(head,)))


# --- bytes that are no model ---


def test_every_truncation() -> None:
    file = to_bytes(small_program(None))
    for size in range(len(file)):
        with pytest.raises(ModelFileError, match="model file: expected itrt format version 3, found "):
            read(file[:size])


def test_flipped_bytes() -> None:
    file = to_bytes(small_program(None))
    for at in range(len(file)):
        damaged = bytearray(file)
        damaged[at] ^= (0x01, 0x20, 0x80, 0xFF)[at % 4]
        with pytest.raises(ModelFileError, match="model file: expected itrt format version 3, found "):
            read(bytes(damaged))


@pytest.mark.parametrize(
    "header",
    [
        "",
        "[]",
        "7",
        '"text"',
        "null",
        "{}",
        '{"__metadata__":[]}',
        '{"__metadata__":7}',
        '{"__metadata__":{"format":"pt"}}',
        '{"__metadata__":{"format":"itrt","format_version":"2","checksum":"00000000","program":"{}"}}',
        "[" * 100_000,
    ],
)
def test_other_headers(header: str) -> None:
    with pytest.raises(ModelFileError, match="model file: expected itrt format version 3, found "):
        read(struct.pack("<Q", len(header)) + header.encode())


@pytest.mark.parametrize(
    ("program", "blobs"),
    [
        ("", {}),
        ("[]", {}),
        ("{}", {}),
        ("7", {}),
        ("{}", {"a": 7}),
        ("{}", {"a": {"dtype": "I8", "shape": [1], "data_offsets": [0]}}),
        ("{}", {"a": {"dtype": "U16", "shape": [0], "data_offsets": [0, 0]}}),
        ("{}", {"a": {"dtype": "I8", "shape": [9], "data_offsets": [0, 0]}}),
        ("{}", {"a": {"dtype": "I8", "shape": "x", "data_offsets": [0, 0]}}),
    ],
)
def test_other_contents_with_a_right_checksum(program: str, blobs: dict[str, object]) -> None:
    metadata = {"format": "itrt", "format_version": "3", "checksum": "00000000", "program": program}
    header = json.dumps({"__metadata__": metadata, **blobs}, separators=(",", ":")).encode()
    file = struct.pack("<Q", len(header)) + header
    file = file.replace(b"00000000", f"{zlib.crc32(file):08x}".encode(), 1)
    with pytest.raises(ModelFileError, match="model file: expected itrt format version 3, found "):
        read(file)
