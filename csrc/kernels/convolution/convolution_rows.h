// What a kernel keeps of a few output pixels, [pixel][width] of sums or bytes, on the way from and to memory. Lanes are
// channels in their order. Internal linkage: each file compiles its own copy, with its own instructions.
#pragma once

#include <cstring>

#include "kernels/convolution/convolution_kernel.h"

namespace itrt::kernels {
namespace {

inline std::int64_t channel_of_lane(std::int64_t, std::int64_t lane) { return lane; }

// The sums that `pixels` pixels from `first` on start from. Pixels behind the panel start, too, but from nothing given.
template <int width>
inline void start_rows(const ConvolutionBlock& block, std::int64_t first, std::int64_t pixels, std::int32_t* sums) {
  for (std::int64_t p = 0; p < pixels; ++p) {
    std::int32_t* row = sums + p * width;
    std::memcpy(row, block.start, width * sizeof(*row));
    if (block.initial == nullptr || first + p >= block.pixels) continue;
    const std::int32_t* initial = block.initial + (first + p) * block.initial_stride;
    for (int lane = 0; lane < width; ++lane) row[lane] += initial[lane];
  }
}

// Writes the sums of output pixels [first, first + count) as they are.
template <int width>
inline void store_sums(const ConvolutionBlock& block, std::int64_t first, std::int64_t count,
                       const std::int32_t* sums) {
  std::int32_t* out = static_cast<std::int32_t*>(block.output) + first * block.output_stride;
  for (std::int64_t p = 0; p < count; ++p) {
    std::memcpy(out + p * block.output_stride, sums + p * width, width * sizeof(*sums));
  }
}

// Writes the bytes of output pixels [first, first + count).
template <int width>
inline void store_bytes(const ConvolutionBlock& block, std::int64_t first, std::int64_t count,
                        const std::uint8_t* bytes) {
  constexpr std::int64_t step = 8;
  std::uint8_t* out = static_cast<std::uint8_t*>(block.output) + first * block.output_stride;
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
