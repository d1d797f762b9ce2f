#include "kernels/multiply/multiply.h"

#include <algorithm>
#include <utility>

#include "kernels/select.h"

namespace itrt::kernels {
namespace {

constexpr const MultiplyKernel* rows[] = {
#if defined(ITRT_X86)
    &multiply_avx512_vnni,
    &multiply_avx2,
#endif
    &multiply_portable,
};

// From one pixel of an input to the next.
std::int64_t pixel_step(const MultiplyInput& input, std::int64_t channels) {
  return input.one_pixel ? 0 : input.one_channel ? 1 : channels;
}

MultiplyElements multiply_elements(const MultiplyCall& call, const MultiplyInput& a, const MultiplyInput& b) {
  return {.zero_a = a.zero_point,
          .zero_b = b.zero_point,
          .multiplier = call.multiplier,
          .shift = std::clamp(call.shift - 1, 0, 31),
          .half = call.shift > 0 ? 1 : 0,
          .zero_point = call.output_zero_point,
          .lower = call.clamp_lower,
          .upper = call.clamp_upper};
}

}  // namespace

void MultiplyKernel::run(const MultiplyCall& call, std::int64_t first, std::int64_t last) const {
  MultiplyInput a = call.inputs[0], b = call.inputs[1];
  // An output of one channel has inputs of one channel: their elements are its pixels.
  if (call.channels == 1) a.one_channel = b.one_channel = false;
  if (a.one_channel || (call.channels == 1 && a.one_pixel)) std::swap(a, b);
  const MultiplyElements constants = multiply_elements(call, a, b);
  const std::int64_t step_a = pixel_step(a, call.channels), step_b = pixel_step(b, call.channels);
  std::uint8_t* const output = call.output + first * call.channels;
  const std::uint8_t *from_a = a.data + first * step_a, *from_b = b.data + first * step_b;
  // Elements that lie side by side in both inputs, whatever pixel they are of, or that one number is multiplied with.
  const std::int64_t all = (last - first) * call.channels;
  if (step_a == call.channels && step_b == call.channels) return elements(constants, from_a, from_b, all, output);
  if (call.channels == 1 && b.one_pixel) return by_one(constants, from_a, from_b, all, output);
  const auto multiply = b.one_channel ? by_one : elements;
  for (std::int64_t pixel = 0; pixel < last - first; ++pixel) {
    multiply(constants, from_a + pixel * step_a, from_b + pixel * step_b, call.channels,
             output + pixel * call.channels);
  }
}

std::span<const MultiplyKernel* const> multiply_kernels() { return rows; }

const MultiplyKernel& select_multiply(Isa isa) { return best_of<MultiplyKernel>(rows, isa); }

}  // namespace itrt::kernels
