// What a kernel keeps of a few output pixels, [pixel][width] of sums or bytes, where memory has a block's channels
// only. Internal linkage: each file compiles its own copy, with its own instructions.
#pragma once

#include <cstring>

#include "kernels/convolution/convolution_kernel.h"

namespace itrt::kernels {
namespace {

// The sums that `pixels` pixels start from.
template <int width>
inline void start_rows(const ConvolutionBlock& block, std::int64_t pixels, std::int32_t* sums) {
  std::int32_t bias[width] = {};
  for (std::int64_t c = 0; c < block.channels; ++c) bias[c] = block.bias[c];
  for (std::int64_t p = 0; p < pixels; ++p) std::memcpy(sums + p * width, bias, sizeof(bias));
}

// Writes the bytes of output pixels [first, first + count).
template <int width>
inline void store_rows(const ConvolutionBlock& block, std::int64_t first, std::int64_t count,
                       const std::uint8_t* bytes) {
  constexpr std::int64_t step = 8;
  std::uint8_t* out = block.output + first * block.output_stride;
  for (std::int64_t p = 0; p < count; ++p, bytes += width, out += block.output_stride) {
    if (block.channels == width) {
      std::memcpy(out, bytes, width);
      continue;
    }
    std::int64_t c = 0;
    for (; c + step <= block.channels; c += step) std::memcpy(out + c, bytes + c, step);
    for (; c < block.channels; ++c) out[c] = bytes[c];
  }
}

}  // namespace
}  // namespace itrt::kernels
