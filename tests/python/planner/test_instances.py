from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from itrt.errors import InvalidArgumentError, MissingFileError
from itrt.planner import Instance, allocate, read_instance, write_instance

MINIMALLOC = Path(__file__).parents[4] / "shared" / "minimalloc"  # beside the repository, where it is worked on


def test_what_is_written_is_read(tmp_path: Path) -> None:
    instance = Instance(("b,1", "7"), np.array([[0, 3, 12], [2, 2, 2**61]], np.int64))
    write_instance(tmp_path / "a.csv", instance)
    read = read_instance(tmp_path / "a.csv")
    assert read.names == instance.names
    assert np.array_equal(read.rows, instance.rows)


def test_columns_may_be_more_and_in_any_order(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("size, id,offset,lower,upper\r\n 5,x,0,1,2\r\n\r\n")
    assert read_instance(file).names == ("x",)
    assert read_instance(file).rows.tolist() == [[1, 2, 5]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: expected columns id, lower, upper, size, found "),
        ("id,lower,upper\n", "line 1: .* found id, lower, upper"),
        ("id,lower,upper,size\na,0,1,2\nb,0,1\n", "line 3: expected 4 columns, found 3"),
        ("id,lower,upper,size\na,0,x,2\n", "line 2: upper: expected an integer .* found 'x'"),
        ("id,lower,upper,size\na,0,1,-2\n", "line 2: size: .* found '-2'"),
        ("id,lower,upper,size\na,0,1,4611686018427387904\n", "line 2: size: expected .*2\\^62"),
    ],
)
def test_bad_files(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "a.csv"
    file.write_text(text)
    with pytest.raises(InvalidArgumentError, match=message):
        read_instance(file)


def test_no_csv_file(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="nothing.csv"):
        read_instance(tmp_path / "nothing.csv")
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidArgumentError, match="bytes.csv"):
        read_instance(tmp_path / "bytes.csv")


@pytest.mark.skipif(not MINIMALLOC.is_dir(), reason="the public instances are not there")
@pytest.mark.parametrize("name", "ABCDE")
def test_the_public_instances_fit_their_capacity(name: str) -> None:
    rows = read_instance(MINIMALLOC / f"{name}.1048576.csv").rows
    found = allocate(rows, capacity=2**20, work_limit=10_000_000)
    assert found.fits
    assert found.peak <= 2**20
    for number, (lower, upper, size) in enumerate(rows):
        together = (rows[:number, 0] < upper) & (lower < rows[:number, 1])
        begin, end = found.offsets[number], found.offsets[number] + size
        others = found.offsets[:number]
        assert not np.any(together & (others < end) & (begin < others + rows[:number, 2]))
        assert 0 <= begin <= end <= found.peak
