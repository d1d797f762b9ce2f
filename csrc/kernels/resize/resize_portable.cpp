#include "kernels/resize/resize.h"

namespace itrt::kernels {
namespace {

void blend(const std::uint8_t* row0, const std::uint8_t* row1, const ResizeTap& tap, std::int64_t count,
           std::int16_t* blended) {
  const std::int32_t weight0 = tap.weight0, weight1 = tap.weight1;
  for (std::int64_t i = 0; i < count; ++i) {
    blended[i] = static_cast<std::int16_t>(weight0 * row0[i] + weight1 * row1[i]);
  }
}

void interpolate(const std::int16_t* blended, const ResizeTap* taps, std::int64_t width, std::int64_t channels,
                 std::uint8_t* output) {
  for (std::int64_t x = 0; x < width; ++x, output += channels) {
    const std::int16_t* left = blended + taps[x].index0 * channels;
    const std::int16_t* right = blended + taps[x].index1 * channels;
    const std::int32_t weight0 = taps[x].weight0, weight1 = taps[x].weight1;
    for (std::int64_t c = 0; c < channels; ++c) {
      output[c] = static_cast<std::uint8_t>((weight0 * left[c] + weight1 * right[c] + 8192) >> 14);
    }
  }
}

}  // namespace

const ResizeKernel resize_portable = {"portable", Isa::portable, blend, interpolate};

}  // namespace itrt::kernels
