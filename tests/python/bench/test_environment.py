"""What is written beside the numbers."""

import importlib.metadata
from pathlib import Path

import itrt
from itrt.bench.environment import cpu_name, environment, installed_bytes


def test_versions_of_what_is_installed_are_named() -> None:
    found = environment(["numpy", "no-such-distribution"])
    assert found.versions == {"numpy": importlib.metadata.version("numpy")}
    assert found.isa in {row["isa"] for row in itrt.kernels.list()}
    assert found.compiler.split()[0] in {"gcc", "clang"}
    assert found.cpu == cpu_name() != ""


def install(directory: Path, name: str, size: int, requires: list[str]) -> None:
    """A distribution of one file with this many bytes."""
    information = directory / f"{name}-1.0.dist-info"
    information.mkdir(parents=True)
    (directory / f"{name}.bin").write_bytes(bytes(size))
    lines = [f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", *(f"Requires-Dist: {text}\n" for text in requires)]
    (information / "METADATA").write_text("".join(lines))
    (information / "RECORD").write_text(f"{name}.bin,,\n{name}.pyc,,\n")
    (directory / f"{name}.pyc").write_bytes(bytes(7))


def test_size_on_disk_is_that_of_a_distribution_and_its_requirements(tmp_path: Path, monkeypatch) -> None:
    install(tmp_path, "top_part", 1000, ["low-part (>=1)", "numpy<3", "extra-part; extra == 'more'", "absent>=2"])
    install(tmp_path, "low_part", 200, ["top.part"])
    install(tmp_path, "extra_part", 30, [])
    monkeypatch.syspath_prepend(str(tmp_path))
    assert installed_bytes("top-part") == 1200
    assert installed_bytes("top-part", without=("numpy", "low_part")) == 1000
    assert installed_bytes("no-such-distribution") == 0
