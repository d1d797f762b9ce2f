// Every kernel of every operation, for lists, tests and benchmarks.
#pragma once

#include <vector>

#include "base/isa.h"

namespace itrt::kernels {

struct KernelRow {
  const char* operation;
  const char* name;
  Isa isa;
};

// The kernels that are compiled in; within an operation best first.
std::vector<KernelRow> registered_kernels();

}  // namespace itrt::kernels
