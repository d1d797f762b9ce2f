#!/usr/bin/env bash
# Installs what the tests need into .venv (or $ITRT_VENV) and runs them all: C++ under the address and undefined-behaviour
# sanitizers, then Python against the installed package. With CI=true also style, types and stubs, and C++ for ARM.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=${ITRT_VENV:-.venv}
build=${ITRT_TEST_BUILD:-build/tests}

step() { printf '\n== %s\n' "$*"; }

step "Python packages in $venv"
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
# The CPU build: of equal versions pip prefers the one with a suffix, and this index has 2.13.0+cpu. Without dependencies,
# since those come from PyPI below.
"$venv/bin/python" -c 'import torch' 2>/dev/null ||
  "$venv/bin/pip" install --no-deps --retries 1 "torch==2.13.0" --extra-index-url https://download.pytorch.org/whl/cpu
"$venv/bin/pip" install --quiet ".[dev]" --config-settings=cmake.define.ITRT_WARNINGS_AS_ERRORS=ON
export PATH="$PWD/$venv/bin:$PATH"
case $venv in /*) export PATH="$venv/bin:$PATH" ;; esac

if [ "${CI:-}" = true ]; then
  step "Style, types, stubs"
  tests/check_style.sh
fi

step "C++ tests"
if [ ! -e /usr/include/gtest/gtest.h ] && [ -z "${GTest_ROOT:-}" ] && command -v apt-get >/dev/null; then
  sudo=$([ "$(id -u)" = 0 ] || echo sudo)
  $sudo apt-get update -qq && $sudo apt-get install -y -qq libgtest-dev
fi
cmake -S . -B "$build" -G Ninja -DITRT_BUILD_PYTHON=OFF -DITRT_BUILD_TESTS=ON -DITRT_SANITIZE=ON -DITRT_WARNINGS_AS_ERRORS=ON
cmake --build "$build"
ctest --test-dir "$build" --parallel "$(nproc)" --output-on-failure

if [ "${CI:-}" = true ]; then
  step "C++ tests for 64-bit ARM"
  ITRT_AARCH64_BUILD="$build-aarch64" tests/run_aarch64.sh
fi

step "Python tests"
OMP_NUM_THREADS=${OMP_NUM_THREADS:-1} python -m pytest -n "$(nproc)" "$@"  # a worker a CPU: torch needs no threads
