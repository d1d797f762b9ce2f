#!/usr/bin/env bash
# Installs what the tests need into .venv (or $ITRT_VENV) and runs them all: C++ (run_cpp.sh), then Python against the
# installed package. With CI=true also style, types and stubs, and C++ for ARM.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=$(realpath -m "${ITRT_VENV:-.venv}")
export ITRT_TEST_BUILD=${ITRT_TEST_BUILD:-build/tests}
export PATH="$venv/bin:$PATH"

step() { printf '\n== %s\n' "$*"; }

step "Python packages in $venv"
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet "cmake>=3.25" "ninja>=1.11"

# Beside what follows, which has one thread for most of its time: pip, the wheel's isolated environment, mypy.
mkdir -p "$ITRT_TEST_BUILD"
cpp_log=$ITRT_TEST_BUILD/run_cpp.log
setsid tests/run_cpp.sh >"$cpp_log" 2>&1 &
cpp=$!
trap 'kill -- "-$cpp" 2>/dev/null || true' EXIT  # with its compilers

# The CPU build: of equal versions pip prefers the one with a suffix, and this index has 2.13.0+cpu. Without dependencies,
# since those come from PyPI below.
"$venv/bin/python" -c 'import torch' 2>/dev/null ||
  "$venv/bin/pip" install --no-deps --retries 1 "torch==2.13.0" --extra-index-url https://download.pytorch.org/whl/cpu
"$venv/bin/pip" install --quiet ".[dev]" --config-settings=cmake.define.ITRT_WARNINGS_AS_ERRORS=ON

if [ "${CI:-}" = true ]; then
  step "Style, types, stubs"
  tests/check_style.sh
fi

step "C++ tests: waiting for what began beside the packages ($cpp_log)"
failed=0
wait "$cpp" || failed=$?
cat "$cpp_log"
[ "$failed" = 0 ]

step "Python tests"
OMP_NUM_THREADS=${OMP_NUM_THREADS:-1} python -m pytest -n "$(nproc)" --dist worksteal "$@"  # torch needs no threads
