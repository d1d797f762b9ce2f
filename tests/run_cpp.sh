#!/usr/bin/env bash
# Builds the C++ tests under the address and undefined-behaviour sanitizers and runs them; with CI=true also for 64-bit
# ARM. Needs cmake and ninja; installs GoogleTest with apt-get where it is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

build=${ITRT_TEST_BUILD:-build/tests}

step() { printf '\n== %s\n' "$*"; }

step "C++ tests"
packages=()
[ -e /usr/include/gtest/gtest.h ] || [ -n "${GTest_ROOT:-}" ] || packages+=(libgtest-dev)
if [ "${CI:-}" = true ]; then  # what run_aarch64.sh would install, later and by itself
  command -v aarch64-linux-gnu-g++ >/dev/null || packages+=(g++-aarch64-linux-gnu)
  command -v qemu-aarch64 >/dev/null || packages+=(qemu-user)
fi
if [ ${#packages[@]} != 0 ] && command -v apt-get >/dev/null; then
  sudo=$([ "$(id -u)" = 0 ] || echo sudo)
  $sudo apt-get update -qq && $sudo apt-get install -y -qq "${packages[@]}"
fi
cmake -S . -B "$build" -G Ninja -DITRT_BUILD_PYTHON=OFF -DITRT_BUILD_TESTS=ON -DITRT_SANITIZE=ON -DITRT_WARNINGS_AS_ERRORS=ON
cmake --build "$build"
ctest --test-dir "$build" --parallel "$(nproc)" --output-on-failure

if [ "${CI:-}" = true ]; then
  step "C++ tests for 64-bit ARM"
  ITRT_AARCH64_BUILD="$build-aarch64" tests/run_aarch64.sh
fi
