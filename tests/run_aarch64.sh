#!/usr/bin/env bash
# Builds the C++ for 64-bit ARM and runs its tests in QEMU's user mode, on a CPU for each instruction set that kernels are
# written for. Installs the cross compiler and QEMU with apt-get where they are missing. Exact results, no speed: nothing
# that is measured here says how fast an ARM CPU is.
set -euo pipefail
cd "$(dirname "$0")/.."

build=$(realpath -m "${ITRT_AARCH64_BUILD:-build/aarch64}")
toolchain=$PWD/cmake/aarch64-linux-gnu.cmake
tests="base kernels runtime"  # what runs other instructions there; together every library, so that all of it compiles
flags="-O1 -DNDEBUG"  # optimized a little: results are the same, and compiling is most of the time

if ! command -v aarch64-linux-gnu-g++ >/dev/null || ! command -v qemu-aarch64 >/dev/null || [ ! -d /usr/src/googletest ]; then
  sudo=$([ "$(id -u)" = 0 ] || echo sudo)
  $sudo apt-get update -qq && $sudo apt-get install -y -qq g++-aarch64-linux-gnu qemu-user libgtest-dev
fi

if [ ! -d "$build/googletest/installed" ]; then
  cmake -S /usr/src/googletest -B "$build/googletest" -G Ninja -DCMAKE_TOOLCHAIN_FILE="$toolchain" \
    -DCMAKE_INSTALL_PREFIX="$build/googletest/installed" -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE="$flags" \
    -DBUILD_GMOCK=OFF
  cmake --build "$build/googletest" --target install
fi
cmake -S . -B "$build" -G Ninja -DCMAKE_TOOLCHAIN_FILE="$toolchain" -DCMAKE_CXX_FLAGS_RELEASE="$flags" \
  -DGTest_ROOT="$build/googletest/installed" -DITRT_BUILD_PYTHON=OFF -DITRT_BUILD_TESTS=ON -DITRT_WARNINGS_AS_ERRORS=ON
# shellcheck disable=SC2086  # the names are words
cmake --build "$build" --target $(printf 'itrt_%s_test ' $tests)

# run_on CPU PROGRAMS TESTS; the toolchain file names QEMU as what executes them.
run_on() {
  printf '\n== %s on %s\n' "$2" "$1"
  QEMU_CPU=$1 GTEST_FILTER=$3 ctest --test-dir "$build" --tests-regex "^($2)(_[0-9]+)?$" --no-tests=error \
    --parallel "$(nproc)" --output-on-failure
}

all='-*Fork*'  # QEMU's user mode cannot fork a program that has threads
run_on max "${tests// /|}" "$all"  # has i8mm and the dot product: executes every kernel
# With the dot product alone and with neither: what is detected, chosen and run there. Convolutions are the only kernels
# that differ.
for cpu in neoverse-n1 cortex-a72; do
  run_on "$cpu" "base|runtime" "$all"
  run_on "$cpu" kernels 'Convolution.*:Registry.*'
done
