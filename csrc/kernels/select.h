// The choice among the kernels of one operation: rows are sorted best first, and the last one is portable.
#pragma once

#include <span>

#include "base/isa.h"

namespace itrt::kernels {

template <class Kernel>
const Kernel& best_of(std::span<const Kernel* const> rows, Isa isa) {
  for (const Kernel* row : rows) {
    if (includes(isa, row->isa)) return *row;
  }
  return *rows.back();
}

}  // namespace itrt::kernels
