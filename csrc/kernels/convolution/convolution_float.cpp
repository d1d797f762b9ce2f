// Requantization by a binary32 scale, in plain C++.
#include <cfloat>

#include "kernels/convolution/convolution_sums.h"

namespace itrt::kernels {
namespace {

static_assert(FLT_EVAL_METHOD == 0, "binary32 arithmetic must round to binary32");

// clamp(round_half_even(value), lower, upper) for integers lower and upper within [-255, 255]. The sum with 1.5 * 2^23
// has a unit in the last place of one, so the addition itself rounds, halves to even. Clamping first is the same:
// rounding is monotone and keeps integers. A NaN becomes `lower`, as maxps makes it.
std::int32_t clamp_and_round(float value, float lower, float upper) {
  constexpr float integer_ulp = 12582912.0f;
  value = value > lower ? value : lower;
  value = value < upper ? value : upper;
  return static_cast<std::int32_t>((value + integer_ulp) - integer_ulp);
}

}  // namespace

void requantize_float(const PackedConvolution& convolution, const PackedRequantization& requantization,
                      const SummedPixels& pixels) {
  const ConvolutionOutputBlock& block = convolution.blocks[pixels.block];
  const float* const scale = requantization.lanes.as<float>() + convolution.lanes + block.first_lane;
  const std::int32_t* const channels = convolution.channel_of_lane.data() + block.first_lane;
  const std::int32_t zero_point = requantization.output_zero_point;
  const float lower = static_cast<float>(requantization.clamp_lower - zero_point);
  const float upper = static_cast<float>(requantization.clamp_upper - zero_point);
  const std::int32_t* sums = pixels.sums;
  std::uint8_t* out = pixels.output;
  for (std::int64_t p = 0; p < pixels.count; ++p, sums += block.width, out += convolution.out_channels) {
    std::uint8_t bytes[most_lanes];  // a loop without the channels' order is one that compilers vectorize
    for (std::int64_t lane = 0; lane < block.width; ++lane) {
      const float value = static_cast<float>(sums[lane]) * scale[lane];
      bytes[lane] = static_cast<std::uint8_t>(clamp_and_round(value, lower, upper) + zero_point);
    }
    for (std::int64_t lane = 0; lane < block.width; ++lane) {
      if (channels[lane] >= 0) out[channels[lane]] = bytes[lane];
    }
  }
}

}  // namespace itrt::kernels
