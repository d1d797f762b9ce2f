// What becomes of the sums of the Neon kernels (docs/numerics.md). Internal linkage: each file compiles its own copy.
#pragma once

#include <arm_neon.h>

#include "kernels/convolution/convolution_kernel.h"
#include "kernels/convolution/convolution_rows.h"

namespace itrt::kernels {
namespace {

constexpr std::int64_t lanes = 4;

// The sums of a few pixels, [pixel][width]; on their way to bytes eight at a time, of one pixel or of several.
template <int vectors>
class Results {
 public:
  explicit Results(const ConvolutionBlock& block) : block_(block) {
    for (int i = 0; i < vectors; ++i) scale_[i] = vld1q_f32(block.scale + i * lanes);
    zero_point_ = vdupq_n_s16(static_cast<std::int16_t>(block.output_zero_point));
    lower_ = vdup_n_u8(static_cast<std::uint8_t>(block.clamp_lower));
    upper_ = vdup_n_u8(static_cast<std::uint8_t>(block.clamp_upper));
  }

  // Writes output pixels [first, first + count), count <= pixels.
  template <int pixels>
  void store(std::int64_t first, std::int64_t count, const int32x4_t (&sums)[pixels * vectors]) const {
    static_assert(pixels * vectors % 2 == 0);
    if (block_.result == ConvolutionResult::sum) {
      return store_sums<vectors * lanes>(block_, first, count, reinterpret_cast<const std::int32_t*>(sums));
    }
    block_.result == ConvolutionResult::fixed ? store_as<pixels, true>(first, count, sums)
                                              : store_as<pixels, false>(first, count, sums);
  }

 private:
  template <int pixels, bool fixed>
  void store_as(std::int64_t first, std::int64_t count, const int32x4_t (&sums)[pixels * vectors]) const {
    std::uint8_t bytes[pixels * vectors * lanes];
    for (int i = 0; i < pixels * vectors; i += 2) {
      const int32x4_t low = scaled<fixed>(sums[i], scale_[i % vectors]);
      const int32x4_t high = scaled<fixed>(sums[i + 1], scale_[(i + 1) % vectors]);
      vst1_u8(bytes + i * lanes, to_bytes(low, high));
    }
    store_bytes<vectors * lanes>(block_, first, count, bytes);
  }

  // Rounds halves to even; what leaves 32 bits becomes the nearest integer. `fixed`: see `fixed_offset`.
  template <bool fixed>
  static int32x4_t scaled(int32x4_t sums, float32x4_t scale) {
    if constexpr (fixed) {
      const float32x4_t rounded = vfmaq_f32(vdupq_n_f32(fixed_offset), vcvtq_f32_s32(sums), scale);
      return vsubq_s32(vreinterpretq_s32_f32(rounded), vdupq_n_s32(float_sum));
    }
    return vcvtnq_s32_f32(vmulq_f32(vcvtq_f32_s32(sums), scale));
  }

  // Every step saturates, so clamping may come last.
  uint8x8_t to_bytes(int32x4_t low, int32x4_t high) const {
    const int16x8_t words = vqaddq_s16(vcombine_s16(vqmovn_s32(low), vqmovn_s32(high)), zero_point_);
    return vmin_u8(vmax_u8(vqmovun_s16(words), lower_), upper_);
  }

  const ConvolutionBlock& block_;
  float32x4_t scale_[vectors];
  int16x8_t zero_point_;
  uint8x8_t lower_, upper_;  // stored
};

}  // namespace
}  // namespace itrt::kernels
