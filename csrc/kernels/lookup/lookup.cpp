#include "kernels/lookup/lookup.h"

#include "kernels/select.h"

namespace itrt::kernels {
namespace {

constexpr const LookupKernel* rows[] = {
#if defined(ITRT_X86)
    &lookup_avx512_vnni,
    &lookup_avx2,
#endif
    &lookup_portable,
};

void table_a_channel(const std::uint8_t* tables, const std::uint8_t* input, std::int64_t pixels, std::int64_t channels,
                     std::uint8_t* output) {
  for (std::int64_t pixel = 0; pixel < pixels; ++pixel, input += channels, output += channels) {
    for (std::int64_t c = 0; c < channels; ++c) output[c] = tables[c * lookup_table_size + input[c]];
  }
}

}  // namespace

void LookupKernel::run(const LookupCall& call, std::int64_t first, std::int64_t last) const {
  const std::uint8_t* const input = call.input + first * call.channels;
  std::uint8_t* const output = call.output + first * call.channels;
  if (call.one_table) {
    one_table(call.tables, input, (last - first) * call.channels, output);
  } else {
    table_a_channel(call.tables, input, last - first, call.channels, output);
  }
}

std::span<const LookupKernel* const> lookup_kernels() { return rows; }

const LookupKernel& select_lookup(Isa isa) { return best_of<LookupKernel>(rows, isa); }

}  // namespace itrt::kernels
