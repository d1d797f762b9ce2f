#include "kernels/lookup/lookup.h"

namespace itrt::kernels {
namespace {

void one_table(const std::uint8_t* table, const std::uint8_t* input, std::int64_t count, std::uint8_t* output) {
  for (std::int64_t i = 0; i < count; ++i) output[i] = table[input[i]];
}

void table_a_channel(const std::uint8_t* tables, const std::uint8_t* input, std::int64_t pixels, std::int64_t channels,
                     std::uint8_t* output) {
  for (std::int64_t pixel = 0; pixel < pixels; ++pixel, input += channels, output += channels) {
    for (std::int64_t c = 0; c < channels; ++c) output[c] = tables[c * lookup_table_size + input[c]];
  }
}

}  // namespace

const LookupKernel lookup_portable = {"portable", Isa::portable, one_table, table_a_channel};

}  // namespace itrt::kernels
