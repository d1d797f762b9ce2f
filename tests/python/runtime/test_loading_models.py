"""itrt.load: names, paths, bytes, and everything that is none."""

import io
import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

import itrt
from itrt import _core
from itrt.errors import InvalidArgumentError, ItrtError, MissingFileError, ModelFileError


def same(first: itrt.Model, second: itrt.Model, image: np.ndarray) -> bool:
    return bool(np.array_equal(first.run(image).quantized_logits, second.run(image).quantized_logits))


def sealed(header: bytes, data: bytes) -> bytes:
    """A container with the right checksum."""
    file = struct.pack("<Q", len(header)) + header + data
    at = file.index(b'"checksum":"') + len(b'"checksum":"')
    zeroed = file[:at] + b"00000000" + file[at + 8 :]
    return zeroed[:at] + f"{zlib.crc32(zeroed):08x}".encode() + zeroed[at + 8 :]


def test_a_path_a_string_and_bytes_give_the_same_model(limited_file: bytes, image: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "model.itrt"
    path.write_bytes(limited_file)
    models = [itrt.load(source) for source in (path, str(path), limited_file, bytearray(limited_file))]
    models.append(itrt.load(memoryview(limited_file)))
    assert all(same(models[0], other, image) for other in models[1:])


def test_a_name_outlives_its_file(limited_file: bytes, image: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "model.itrt"
    path.write_bytes(limited_file)
    model = itrt.load(path)
    path.unlink()
    assert model.run(image).labels.shape == image.shape[:2]


def test_packaged_models_load_by_name(image: np.ndarray) -> None:
    for name in itrt.packaged_models():
        model = itrt.load(name)
        assert model.run(image).labels.shape == image.shape[:2]
        assert model.file_bytes <= 1 << 20


def test_a_model_describes_itself(limited: itrt.Model, endless: itrt.Model, limited_file: bytes) -> None:
    assert limited.name == "small"
    assert limited.classes[:2] == ("sky", "building")
    assert limited.palette.shape == (11, 3)
    assert limited.palette.dtype == np.uint8
    assert limited.iterations == 2
    assert limited.max_iterations == 3
    assert endless.max_iterations is None
    assert limited.metadata == {"licence": "none: random weights"}
    assert limited.threads == 2
    assert limited.file_bytes == len(limited_file)
    header = struct.unpack_from("<Q", limited_file)[0]
    assert limited.weight_bytes == len(limited_file) - 8 - header
    assert limited.tensor_names[0] == "image"
    assert (
        repr(limited)
        == f"Model(name='small', classes=11, iterations=2, max_iterations=3, threads=2, isa='{limited.isa}')"
    )


def test_the_palette_cannot_be_changed(limited: itrt.Model) -> None:
    with pytest.raises(ValueError, match="read-only"):
        limited.palette[0] = 0


# --- threads and instruction sets ---


@pytest.mark.parametrize("threads", [0, -1, 257, 10**30])
def test_thread_counts_out_of_range(limited_file: bytes, threads: int) -> None:
    with pytest.raises(InvalidArgumentError, match=f"threads: expected 1 to 256, found {threads}"):
        itrt.load(limited_file, threads=threads)


@pytest.mark.parametrize("threads", ["2", 1.0, 2.5, True, [2], b"2"])
def test_thread_counts_that_are_no_integers(limited_file: bytes, threads: object) -> None:
    with pytest.raises(InvalidArgumentError, match="threads: expected an integer, found"):
        itrt.load(limited_file, threads=threads)  # type: ignore[arg-type]


@pytest.mark.parametrize("threads", [1, 256, np.int64(3)])
def test_thread_counts_in_range(limited_file: bytes, threads: int, image: np.ndarray) -> None:
    model = itrt.load(limited_file, threads=threads)
    assert model.threads == threads
    assert same(model, itrt.load(limited_file, threads=1), image)


def test_the_environment_chooses_threads(limited_file: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ITRT_NUM_THREADS", "7")
    assert itrt.load(limited_file).threads == 7
    assert itrt.load(limited_file, threads=2).threads == 2
    monkeypatch.delenv("ITRT_NUM_THREADS")
    assert itrt.load(limited_file).threads == min(_core.cpu_budget(), 256)


@pytest.mark.parametrize("value", ["0", "two", "300", "-1", "1.5"])
def test_a_wrong_thread_count_in_the_environment(
    limited_file: bytes, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("ITRT_NUM_THREADS", value)
    with pytest.raises(
        InvalidArgumentError, match=f'ITRT_NUM_THREADS: expected a number from 1 to 256, found "{value}"'
    ):
        itrt.load(limited_file)


@pytest.mark.parametrize("isa", ["", "AVX2", "neon", "avx512"])
def test_unknown_instruction_sets(limited_file: bytes, isa: str) -> None:
    names = ", ".join(_core.isa_names())
    with pytest.raises(InvalidArgumentError, match=f"isa: expected one of {names}, found '{isa}'"):
        itrt.load(limited_file, isa=isa)


@pytest.mark.parametrize("isa", [1, b"avx2", True])
def test_instruction_sets_that_are_no_names(limited_file: bytes, isa: object) -> None:
    with pytest.raises(InvalidArgumentError, match="isa: expected a name"):
        itrt.load(limited_file, isa=isa)  # type: ignore[arg-type]


def test_an_instruction_set_can_be_forced(limited_file: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    assert itrt.load(limited_file, isa="portable").isa == "portable"
    monkeypatch.setenv("ITRT_ISA", "portable")
    assert itrt.load(limited_file).isa == "portable"
    monkeypatch.setenv("ITRT_ISA", "nonsense")
    with pytest.raises(InvalidArgumentError, match="ITRT_ISA: expected one of .* found 'nonsense'"):
        itrt.load(limited_file)
    assert itrt.load(limited_file, isa="portable").isa == "portable"  # the argument wins
    monkeypatch.delenv("ITRT_ISA")
    assert itrt.load(limited_file).isa == _core.detected_isa()


# --- what is no model ---


@pytest.mark.parametrize("name", ["no-such-model", "no/such/file.itrt", "", "itnet\0camvid"])
def test_a_missing_file(name: str) -> None:
    with pytest.raises(MissingFileError, match="expected a file or a packaged model") as caught:
        itrt.load(name)
    assert isinstance(caught.value, FileNotFoundError)
    for packaged in itrt.packaged_models():
        assert packaged in str(caught.value)


def test_a_directory(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="expected a file or a packaged model .* found neither"):
        itrt.load(tmp_path)


@pytest.mark.parametrize("model", [None, 7, ["model.itrt"], np.zeros(8, np.uint8)])
def test_something_else(model: object) -> None:
    with pytest.raises(InvalidArgumentError, match="model: expected a name, a path or bytes, found"):
        itrt.load(model)  # type: ignore[arg-type]


def test_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "empty.itrt"
    path.touch()
    with pytest.raises(ModelFileError, match=r"empty\.itrt: model file: size: expected at least 8 bytes, found 0"):
        itrt.load(path)


def test_every_truncation(limited_file: bytes) -> None:
    for size in range(0, len(limited_file), 37):
        with pytest.raises(ModelFileError, match="model from bytes: model file: .*expected .* found "):
            itrt.load(limited_file[:size])


def test_more_than_a_model(limited_file: bytes) -> None:
    with pytest.raises(ModelFileError, match="checksum"):
        itrt.load(limited_file + b"\0")


def test_flipped_bytes(limited_file: bytes) -> None:
    for at in range(0, len(limited_file), 11):
        for flip in (0x01, 0x80, 0xFF):
            damaged = bytearray(limited_file)
            damaged[at] ^= flip
            with pytest.raises(ModelFileError, match="expected"):
                itrt.load(damaged)


def test_flipped_bytes_with_a_right_checksum(limited_file: bytes) -> None:
    """It loads, or it is a typed error whose message can be shown: names may now be anything."""
    (length,) = struct.unpack_from("<Q", limited_file)
    header, data = limited_file[8 : 8 + length], limited_file[8 + length :]
    loaded = 0
    for at in range(0, length, 3):
        for flip in (0x01, 0x80):
            damaged = bytearray(header)
            damaged[at] ^= flip
            if b'"checksum":"' not in damaged:
                continue
            try:
                repr(itrt.load(sealed(bytes(damaged), data)))
                loaded += 1
            except ItrtError as error:
                assert "expected" in str(error)
    assert loaded > 20


def test_names_may_hold_any_character(limited_file: bytes) -> None:
    (length,) = struct.unpack_from("<Q", limited_file)
    header = limited_file[8 : 8 + length].replace(rb"{\"name\":\"small\"", r"{\"name\":\"straße 街\"".encode())
    assert itrt.load(sealed(header, limited_file[8 + length :])).name == "straße 街"


def test_a_picture(tmp_path: Path) -> None:
    pillow = pytest.importorskip("PIL.Image")
    path = tmp_path / "picture.png"
    pillow.new("RGB", (8, 8)).save(path)
    with pytest.raises(ModelFileError, match=r"picture\.png: .*header length: .*an itrt file"):
        itrt.load(path)


def test_a_checkpoint() -> None:
    torch = pytest.importorskip("torch")
    buffer = io.BytesIO()
    torch.save({"weight": torch.zeros(3)}, buffer)
    with pytest.raises(ModelFileError, match="header length: .*an itrt file"):
        itrt.load(buffer.getvalue())


def test_another_safetensors_file() -> None:
    header = json.dumps({"__metadata__": {"format": "pt"}, "w": {"dtype": "F32", "shape": [], "data_offsets": [0, 4]}})
    file = struct.pack("<Q", len(header)) + header.encode() + bytes(4)
    with pytest.raises(ModelFileError, match="__metadata__.format: expected itrt, found pt"):
        itrt.load(file)


def test_a_later_format(limited_file: bytes) -> None:
    file = limited_file.replace(b'"format_version":"3"', b'"format_version":"2"')
    with pytest.raises(ModelFileError, match="format_version: expected 3 .* found 2"):
        itrt.load(file)


@pytest.mark.parametrize("content", [b"# text\n" * 100, b"\x00" * 100, b"PK\x03\x04" + bytes(60), b"{}" * 20])
def test_other_files(content: bytes) -> None:
    with pytest.raises(ModelFileError, match="expected"):
        itrt.load(content)
