#include "kernels/add/add.h"
#include "kernels/rounding.h"

namespace itrt::kernels {
namespace {

float term(const AddInput& input, std::int64_t i) {
  return input.multiplier * static_cast<float>(static_cast<std::int32_t>(input.data[i]) - input.zero_point);
}

void elements(const AddElements& add, std::int64_t first, std::int64_t last) {
  constexpr std::int64_t chunk = 256;
  float sum[chunk];
  for (; first < last; first += chunk) {
    const std::int64_t count = last - first < chunk ? last - first : chunk;
    for (std::int64_t i = 0; i < count; ++i) sum[i] = term(add.inputs[0], first + i);
    for (std::size_t n = 1; n < add.input_count; ++n) {
      for (std::int64_t i = 0; i < count; ++i) sum[i] += term(add.inputs[n], first + i);
    }
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int32_t value = clamp_and_round(sum[i], add.lower, add.upper) + add.zero_point;
      add.output[first + i] = static_cast<std::uint8_t>(value);
    }
  }
}

}  // namespace

const AddKernel add_portable = {"portable", Isa::portable, elements};

}  // namespace itrt::kernels
