#include "kernels/add/add.h"

namespace itrt::kernels {
namespace {

std::int32_t clamp(std::int32_t value, std::int32_t lower, std::int32_t upper) {
  return value < lower ? lower : value > upper ? upper : value;
}

void elements(const AddElements& add, std::int64_t first, std::int64_t last) {
  constexpr std::int64_t chunk = 256;
  std::int32_t sum[chunk];
  for (; first < last; first += chunk) {
    const std::int64_t count = last - first < chunk ? last - first : chunk;
    for (std::int64_t i = 0; i < count; ++i) sum[i] = add.start;
    for (std::size_t n = 0; n < add.input_count; ++n) {
      const AddInput& input = add.inputs[n];
      for (std::int64_t i = 0; i < count; ++i) sum[i] += input.multiplier * input.data[first + i];
    }
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int32_t value = (sum[i] >> add.shift) + add.zero_point;
      add.output[first + i] = static_cast<std::uint8_t>(clamp(value, add.lower, add.upper));
    }
  }
}

}  // namespace

const AddKernel add_portable = {"portable", Isa::portable, elements};

}  // namespace itrt::kernels
