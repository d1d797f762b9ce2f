"""Run as a script: the start and the memory of a process that loads a runner and asks it once. Imports nothing of itrt.

Its argument is a JSON object: "runner", a path or null for a process that does nothing, and "arguments". It prints
seconds (numpy's import is over when the clock starts) and the peak of resident bytes.
"""

import importlib.util
import json
import re
import sys
import time
from pathlib import Path

import numpy  # noqa: F401  every runtime needs it: what it costs is not the runtime's


def peak_resident_bytes() -> int:
    """Of this program: unlike getrusage's, the kernel's high-water mark starts anew with it."""
    match = re.search(r"^VmHWM:\s*(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    return 1024 * int(match[1]) if match else 0


def main() -> None:
    task = json.loads(sys.argv[1])
    start = time.perf_counter()
    if task["runner"] is not None:
        specification = importlib.util.spec_from_file_location("runner", task["runner"])
        assert specification is not None
        assert specification.loader is not None
        module = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(module)
        module.open_runner(**task["arguments"])()
    seconds = time.perf_counter() - start
    sys.stdout.write(json.dumps({"seconds": seconds, "peak_bytes": peak_resident_bytes()}) + "\n")


if __name__ == "__main__":
    main()
