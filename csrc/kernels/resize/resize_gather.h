// Pixels copied one after another, in blocks of at most a vector, none of which reads or writes beyond its pixel.
#pragma once

#include <cstdint>
#include <cstring>

namespace itrt::kernels {
namespace {

// The last block of a pixel begins where it ends there, so it may copy some bytes again.
template <std::int64_t block>
inline void gather_blocks(const std::uint8_t* row, const std::int32_t* indices, std::int64_t pixels,
                          std::int64_t channels, std::uint8_t* out) {
  for (std::int64_t pixel = 0; pixel < pixels; ++pixel, out += channels) {
    const std::uint8_t* const from = row + indices[pixel] * channels;
    for (std::int64_t c = 0; c < channels - block; c += block) std::memcpy(out + c, from + c, block);
    std::memcpy(out + channels - block, from + channels - block, block);
  }
}

template <std::int64_t vector_bytes>
void gather_pixels(const std::uint8_t* row, const std::int32_t* indices, std::int64_t pixels, std::int64_t channels,
                   std::uint8_t* out) {
  const std::int64_t longest = channels < vector_bytes ? channels : vector_bytes;
  if (longest >= 64) return gather_blocks<64>(row, indices, pixels, channels, out);
  if (longest >= 32) return gather_blocks<32>(row, indices, pixels, channels, out);
  if (longest >= 16) return gather_blocks<16>(row, indices, pixels, channels, out);
  if (longest >= 8) return gather_blocks<8>(row, indices, pixels, channels, out);
  if (longest >= 4) return gather_blocks<4>(row, indices, pixels, channels, out);
  gather_blocks<1>(row, indices, pixels, channels, out);
}

}  // namespace
}  // namespace itrt::kernels
