#include "kernels/lookup/lookup.h"

namespace itrt::kernels {
namespace {

void one_table(const std::uint8_t* table, const std::uint8_t* input, std::int64_t count, std::uint8_t* output) {
  for (std::int64_t i = 0; i < count; ++i) output[i] = table[input[i]];
}

}  // namespace

const LookupKernel lookup_portable = {"portable", Isa::portable, one_table};

}  // namespace itrt::kernels
