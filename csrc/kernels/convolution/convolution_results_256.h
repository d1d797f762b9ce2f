// What becomes of the sums of the 256-bit kernels (docs/numerics.md). Internal linkage: each file compiles its own
// copy, with its own instructions.
#pragma once

#include <immintrin.h>

#include "kernels/convolution/convolution_kernel.h"
#include "kernels/convolution/convolution_rows.h"
#include "kernels/convolution/fixed_point_256.h"

namespace itrt::kernels {
namespace {

constexpr std::int64_t lanes = 8;

// The sums of a few pixels, [pixel][width]; on their way to bytes 32 at a time, of one pixel or of several.
template <int vectors>
class Results {
 public:
  explicit Results(const ConvolutionBlock& block) : block_(block) {
    for (int i = 0; i < scale_vectors; ++i) scale_[i] = _mm256_load_ps(block.scale + i % vectors * lanes);
    upper_ = _mm256_set1_ps(static_cast<float>(block.clamp_upper - block.output_zero_point));
    zero_point_ = _mm256_set1_epi16(static_cast<short>(block.output_zero_point));
    lower_ = _mm256_set1_epi8(static_cast<char>(block.clamp_lower));
    highest_ = _mm256_set1_epi8(static_cast<char>(block.clamp_upper));
  }

  // Writes output pixels [first, first + count), count <= pixels. The sums of the other pixels may be anything.
  template <int pixels>
  void store(std::int64_t first, std::int64_t count, const __m256i (&sums)[pixels * vectors]) const {
    static_assert(pixels * vectors % 4 == 0);
    if (block_.result == ConvolutionResult::sum) {
      return store_sums<vectors * lanes>(block_, first, count, reinterpret_cast<const std::int32_t*>(sums));
    }
    block_.result == ConvolutionResult::fixed ? store_as<pixels, true>(first, count, sums)
                                              : store_as<pixels, false>(first, count, sums);
  }

 private:
  // Four neighbouring vectors of sums start with any vector of a pixel.
  static constexpr int scale_vectors = vectors + 3;

  template <int pixels, bool fixed>
  void store_as(std::int64_t first, std::int64_t count, const __m256i (&sums)[pixels * vectors]) const {
    alignas(32) std::uint8_t bytes[pixels * vectors * lanes];
    for (int i = 0; i < pixels * vectors; i += 4) {
      const __m256i four = to_bytes<fixed>(sums + i, scale_ + i % vectors);
      _mm256_store_si256(reinterpret_cast<__m256i*>(bytes + i * lanes), four);
    }
    store_bytes<vectors * lanes>(block_, first, count, bytes);
  }

  // Clamping above comes before the conversion, since a product that is too large would become the most negative
  // integer; too small ones become just that, and saturate on the way to u8. Fixed-point products are known not to be
  // too large.
  template <bool fixed>
  __m256i to_bytes(const __m256i* sums, const __m256* scale) const {
    const auto scaled = [&](int i) {
      if constexpr (fixed) return round_fixed(sums[i], scale[i]);
      return _mm256_cvtps_epi32(_mm256_min_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(sums[i]), scale[i]), upper_));
    };
    const __m256i low = _mm256_adds_epi16(_mm256_packs_epi32(scaled(0), scaled(1)), zero_point_);
    const __m256i high = _mm256_adds_epi16(_mm256_packs_epi32(scaled(2), scaled(3)), zero_point_);
    __m256i bytes = _mm256_max_epu8(_mm256_packus_epi16(low, high), lower_);
    if constexpr (fixed) bytes = _mm256_min_epu8(bytes, highest_);
    // Packing works within 128 bits: 4-byte groups come out as a 2 x 4 transpose.
    return _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
  }

  const ConvolutionBlock& block_;
  __m256 scale_[scale_vectors];
  __m256 upper_;             // before the zero point is added
  __m256i zero_point_;       // 16 bits
  __m256i lower_, highest_;  // 8 bits, stored
};

}  // namespace
}  // namespace itrt::kernels
