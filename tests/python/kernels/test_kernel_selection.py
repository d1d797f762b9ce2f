"""`itrt.kernels.list` and the ITRT_ISA override: what is forced runs, what cannot run is an error."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from itrt import _core, kernels
from itrt.errors import InvalidArgumentError

OPERATIONS = {"add", "convolution", "grouped_convolution", "labels", "lookup", "multiply", "pool", "resize"}
AVAILABLE = _core.detected_isas()


def run_python(code: str, isa: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "ITRT_ISA": isa}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)


def test_rows() -> None:
    rows = kernels.list()
    assert {row["operation"] for row in rows} == OPERATIONS
    for operation in OPERATIONS:
        mine = [row for row in rows if row["operation"] == operation]
        assert len({row["isa"] for row in mine if row["selected"]}) == 1
        assert len({row["name"] for row in mine}) == len(mine)
        assert any(row["isa"] == "portable" for row in mine)


@pytest.mark.parametrize("isa", AVAILABLE)
def test_the_override_takes(isa: str) -> None:
    done = run_python("import json, itrt.kernels; print(json.dumps(itrt.kernels.list()))", isa)
    assert done.returncode == 0, done.stderr
    selected = [row for row in json.loads(done.stdout) if row["selected"]]
    assert {row["operation"] for row in selected} == OPERATIONS
    # An operation without a kernel of this set takes that of a set that it extends.
    assert {row["isa"] for row in selected if row["operation"] == "convolution"} == {isa}
    assert {row["isa"] for row in selected} <= set(AVAILABLE[: AVAILABLE.index(isa) + 1])


def test_an_empty_override_is_none() -> None:
    done = run_python("import itrt.kernels; print(len(itrt.kernels.list()))", "")
    assert done.stdout.strip() == str(len(kernels.list()))


@pytest.mark.parametrize("isa", ["sse9", "AVX2"])
def test_an_unknown_override_is_an_error(isa: str) -> None:
    done = run_python("import itrt.kernels; itrt.kernels.list()", isa)
    assert done.returncode != 0
    assert "InvalidArgumentError: ITRT_ISA: expected one of portable" in done.stderr
    assert f"found '{isa}'" in done.stderr


@pytest.mark.parametrize("isa", sorted(set(_core.isa_names()) - set(AVAILABLE)))
def test_an_isa_that_the_cpu_lacks_is_an_error(isa: str) -> None:
    done = run_python("import itrt.kernels; itrt.kernels.list()", isa)
    assert "InvalidArgumentError: ITRT_ISA: expected an instruction set that this CPU has" in done.stderr
    with pytest.raises(InvalidArgumentError, match="isa: expected an instruction set that this CPU has"):
        kernels.resize(np.zeros((1, 1, 1), np.uint8), 1, 1, isa)
