#!/usr/bin/env bash
# Formatters, linters, type checkers and the stubs of the compiled module: what pre-commit runs, on the whole tree.
set -euo pipefail
cd "$(dirname "$0")/.."

ruff check .
ruff format --check .
mypy
git ls-files '*.cpp' '*.h' | xargs clang-format --dry-run --Werror
python tools/update_stubs.py --check
