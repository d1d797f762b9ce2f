"""What `import itrt` brings along: numpy, and nothing that a robot or a web service would not want."""

import json
from collections.abc import Callable

IMPORTED = """
import json, sys
import numpy
before = set(sys.modules)
{statement}
names = {{name.partition(".")[0] for name in set(sys.modules) - before}} - sys.stdlib_module_names - {{"numpy"}}
print(json.dumps(sorted(names)))
"""


def imported(run_script: Callable[..., str], statement: str) -> list[str]:
    names: list[str] = json.loads(run_script(IMPORTED.format(statement=statement)))
    return names


def test_import_brings_itself_alone(run_script: Callable[..., str]) -> None:
    assert imported(run_script, "import itrt") == ["itrt"]


def test_a_run_needs_numpy_alone(run_script: Callable[..., str]) -> None:
    statement = "import itrt; itrt.kernels.list(); itrt.packaged_models(); import itrt.format; import itrt.quantize"
    assert imported(run_script, statement) == ["itrt"]


def test_the_planner_needs_numpy_alone(run_script: Callable[..., str]) -> None:
    assert imported(run_script, "import itrt.planner; itrt.planner.load_target('gap9')") == ["itrt"]


def test_the_first_import_is_small(run_script: Callable[..., str]) -> None:
    """A handful of files, none of the subpackages."""
    code = "import sys, itrt; print(' '.join(sorted(name for name in sys.modules if name.startswith('itrt.'))))"
    found = {name.split(".")[1] for name in run_script(code).split()}
    assert found <= {
        "_core", "anytime", "arguments", "errors", "files", "images", "kernels", "loading", "result", "runtime",
        "sessions", "stop", "stream", "stripes",
    }  # fmt: skip


def test_a_wrong_name_imports_nothing(run_script: Callable[..., str]) -> None:
    code = "import itrt, sys; print(hasattr(itrt, 'nonsense'), 'torch' in sys.modules)"
    assert run_script(code) == "False False\n"
