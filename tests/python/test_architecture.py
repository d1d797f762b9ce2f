"""Who may know whom: the tables of docs/design.md and CONTRIBUTING.md, held against the sources."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / "python" / "itrt"
CPP = ROOT / "csrc"

# What a part may import beside itself.
PUBLIC_FACE = {
    "_core", "errors", "execution", "files", "images", "kernels", "loading", "profile", "result", "runtime", "stop",
    "stream", "stripes",
}  # fmt: skip
PYTHON_ARROWS = {
    "errors": {"result"},  # for its type alone
    "arguments": {"errors"},
    "files": {"errors"},
    "images": {"errors", "files"},
    "metrics": set(),
    "text": set(),
    "video": {"errors"},
    "format": {"errors", "files"},
    "kernels": {"_core", "errors"},
    "result": {"errors", "images", "runtime"},  # runtime for its types alone
    "stripes": {"_core", "errors"},
    "execution": {"_core", "stripes"},
    "profile": {"_core"},
    "sessions": {"_core"},
    "stop": {"arguments", "errors", "result"},
    "anytime": {"_core", "arguments", "errors", "result", "sessions", "stop"},
    "stream": {"_core", "anytime", "arguments", "errors", "result", "sessions", "stop"},
    "frames": {"anytime", "errors", "images", "result", "sessions"},
    "batch": {"_core", "errors", "images", "result"},
    "runtime": {
        "_core",
        "anytime",
        "arguments",
        "batch",
        "errors",
        "execution",
        "format",
        "frames",
        "images",
        "profile",
        "result",
        "sessions",
        "stop",
        "stream",
        "stripes",
    },
    "loading": {"_core", "arguments", "errors", "runtime", "stripes"},
    "nn": {"errors"},
    "quantize": {"errors", "format"},
    "train": {"errors", "files", "images", "metrics", "nn"},
    "converter": {"errors", "files", "images", "metrics", "format", "nn", "quantize", "train", "loading"},
    "export": {"_core", "arguments", "errors", "files", "format", "images", "loading", "runtime"},
    "planner": {"_core", "errors", "files", "format", "text"},
    "bench": {
        "_core",
        "errors",
        "export",
        "files",
        "format",
        "kernels",
        "loading",
        "planner",
        "runtime",
        "converter",
        "nn",
        "quantize",
        "train",
    },
    "__init__": PUBLIC_FACE | {"converter"},
}
PYTHON_EXCEPTIONS = {
    ("quantize/__init__.py", "converter")
}  # `prepare`: named there, imported when it is first asked for
EVERYTHING = {"cli"}

CPP_ARROWS = {
    "base": set(),
    "model": {"base"},
    "kernels": {"base"},
    "plan": {"base"},
    "runtime": {"base", "model", "kernels", "plan"},
    "bindings": {"base", "model", "kernels", "plan", "runtime"},
}
CPP_EXCEPTIONS = {
    (f"plan/{name}", "model") for name in ("schedule.h", "aliasing.h", "aliasing.cpp", "lifetimes.h", "lifetimes.cpp")
}

# What only some may import, at the top of a file or anywhere.
WITHOUT_TORCH = {
    "__init__",
    "anytime",
    "arguments",
    "batch",
    "errors",
    "files",
    "images",
    "format",
    "kernels",
    "execution",
    "export",
    "frames",
    "loading",
    "profile",
    "result",
    "runtime",
    "sessions",
    "stop",
    "stream",
    "stripes",
    "text",
    "quantize",
    "planner",
    "video",
}


def part_of(file: Path) -> str:
    """The first name below the package: a folder or a module."""
    return file.relative_to(PYTHON).parts[0].removesuffix(".py")


def python_files() -> list[Path]:
    return sorted(PYTHON.rglob("*.py"))


def imports_of(file: Path, top_level_only: bool = False) -> Iterator[str]:
    """Dotted names of all modules that the file imports."""
    tree = ast.parse(file.read_text(), str(file))
    nodes = tree.body if top_level_only else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: a relative import"
            assert node.module is not None
            yield node.module
            if node.module == "itrt":
                yield from (f"itrt.{alias.name}" for alias in node.names)


def our_parts(file: Path) -> set[str]:
    names = (name.split(".") for name in imports_of(file))
    return {name[1] for name in names if name[0] == "itrt" and len(name) > 1}


@pytest.mark.parametrize("file", python_files(), ids=lambda file: str(file.relative_to(PYTHON)))
def test_python_imports_follow_the_arrows(file: Path) -> None:
    part = part_of(file)
    if part in EVERYTHING:
        return
    assert part in PYTHON_ARROWS, f"{part} is a new part: it needs a row here and in CONTRIBUTING.md"
    name = file.relative_to(PYTHON).as_posix()
    unwanted = our_parts(file) - PYTHON_ARROWS[part] - {part}
    unwanted -= {other for exception, other in PYTHON_EXCEPTIONS if exception == name}
    assert not unwanted, f"{file.relative_to(ROOT)} imports {unwanted}"


@pytest.mark.parametrize("file", python_files(), ids=lambda file: str(file.relative_to(PYTHON)))
def test_torch_and_pillow_come_late_or_not(file: Path) -> None:
    part = part_of(file)
    everywhere = {name.split(".")[0] for name in imports_of(file)}
    at_the_top = {name.split(".")[0] for name in imports_of(file, top_level_only=True)}
    if part in WITHOUT_TORCH:
        assert "torch" not in everywhere
    if part not in {"cli", "bench", "train", "converter"}:
        assert "PIL" not in at_the_top
    if part == "cli":
        assert "torch" not in at_the_top  # `itrt info` should not take two seconds
    assert "typer" not in everywhere or part == "cli"
    assert "rich" not in everywhere or part == "cli"
    assert "av" not in at_the_top
    if part != "bench":
        assert not {"onnx", "onnxruntime"} & at_the_top
    assert "av" not in everywhere or part == "video"
    assert "PIL" not in everywhere or part in {"images", "cli", "bench", "train", "converter"}


def cpp_files() -> list[Path]:
    return sorted(file for suffix in ("*.h", "*.cpp") for file in CPP.rglob(suffix))


def includes_of(file: Path) -> set[str]:
    return set(re.findall(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', file.read_text(), re.MULTILINE))


@pytest.mark.parametrize("file", cpp_files(), ids=lambda file: str(file.relative_to(CPP)))
def test_cpp_includes_follow_the_arrows(file: Path) -> None:
    name = file.relative_to(CPP).as_posix()
    part = name.split("/")[0]
    assert part in CPP_ARROWS, f"{part} is a new part: it needs a row here and in CONTRIBUTING.md"
    ours = {include for include in includes_of(file) if (CPP / include).is_file()}
    unwanted = {include.split("/")[0] for include in ours} - CPP_ARROWS[part] - {part}
    unwanted -= {other for exception, other in CPP_EXCEPTIONS if exception == name}
    assert not unwanted, f"csrc/{name} includes {unwanted}"


def test_every_include_of_ours_is_found() -> None:
    """Names are relative to csrc: else the test above would overlook one."""
    for file in cpp_files():
        quoted = set(re.findall(r'^\s*#\s*include\s*"([^"]+)"', file.read_text(), re.MULTILINE))
        missing = {include for include in quoted if not (CPP / include).is_file()}
        assert not missing, f"{file.relative_to(ROOT)} includes {missing}"


def test_pybind11_and_python_stay_in_the_bindings() -> None:
    for file in cpp_files():
        if file.relative_to(CPP).parts[0] != "bindings":
            foreign = {name for name in includes_of(file) if name.startswith("pybind11/") or name == "Python.h"}
            assert not foreign, f"{file.relative_to(ROOT)} includes {foreign}"


def test_kernels_of_an_instruction_set_include_little() -> None:
    """Compiled for a newer CPU: an inline function of another header would be, too, and the linker might keep that one.

    So: the operation's own headers (declarations), intrinsics, and the C library.
    """
    for file in [*(CPP / "kernels").rglob("*_avx*.cpp"), *(CPP / "kernels").rglob("*_neon*.cpp")]:
        operation = file.parent.name
        for include in includes_of(file):
            ours = (CPP / include).is_file()
            assert not ours or include.startswith(f"kernels/{operation}/"), (
                f"{file.relative_to(ROOT)} includes {include}"
            )
            assert ours or include in ALLOWED_IN_KERNELS, f"{file.relative_to(ROOT)} includes {include}"


ALLOWED_IN_KERNELS = {"immintrin.h", "arm_neon.h", "cstdint", "cstddef", "cstring", "cfloat"}


def test_the_core_neither_prints_nor_aborts() -> None:
    forbidden = re.compile(
        r"std::(cout|cerr|clog|abort|exit|terminate)\b|\b(printf|fprintf|puts|perror|abort|exit)\s*\(|\bassert\s*\("
    )
    for file in cpp_files():
        found = forbidden.search(file.read_text())
        assert found is None, f"{file.relative_to(ROOT)}: {found.group() if found else ''}"
