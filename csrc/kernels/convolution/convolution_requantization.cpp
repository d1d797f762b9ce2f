// Requantization in the order of lanes, and the proofs that allow its cheaper form (convolution_kernel.h).
#include <algorithm>
#include <bit>
#include <cmath>
#include <string>

#include "base/errors.h"
#include "kernels/convolution/convolution.h"
#include "kernels/convolution/convolution_kernel.h"

namespace itrt::kernels {
namespace {

constexpr float float_sum_value = 12582912.0f;  // 1.5 * 2^23
static_assert(std::bit_cast<std::int32_t>(float_sum_value) == float_sum);
constexpr std::int64_t largest_float_sum = (1 << 22) - 1;

void check(const PackedConvolution& convolution, const ConvolutionRequantization& requantization) {
  const auto expect = [&](const char* name, std::size_t found) {
    if (found == static_cast<std::size_t>(convolution.out_channels)) return;
    throw InvalidArgument(std::string("convolution ") + name + ": expected " +
                          std::to_string(convolution.out_channels) + " elements, found " + std::to_string(found));
  };
  expect("bias", requantization.bias.size());
  expect("scale", requantization.scale.size());
}

// No sum reaches 2^22, and offset = -1.5 * 2^23 * scale is exact: the two lowest bits of the scale's 24 are zero (or
// one of them, by luck).
bool sums_can_be_floats(std::int64_t lowest, std::int64_t highest, float scale) {
  if (lowest < -largest_float_sum || highest > largest_float_sum) return false;
  const double offset = -static_cast<double>(float_sum_value) * static_cast<double>(scale);
  return static_cast<double>(static_cast<float>(offset)) == offset;
}

ConvolutionResult result_of(const PackedConvolution& convolution, const ConvolutionOutputBlock& block,
                            const ConvolutionRequantization& requantization) {
  // Kernels of grouped terms store whole blocks unless the result is general.
  if (!convolution.kernel->reads_float_sums || (block.channels < block.width && !convolution.grouped.empty()) ||
      requantization.clamp_lower != 0 || requantization.clamp_upper != 255) {
    return ConvolutionResult::general;
  }
  for (std::int64_t c = block.first_channel; c < block.first_channel + block.channels; ++c) {
    const auto channel = static_cast<std::size_t>(c);
    const std::int64_t bias = std::int64_t{requantization.bias[channel]} - convolution.zero_point_sum[channel];
    const float scale = requantization.scale[channel];
    if (!(std::abs(scale) < 1.0f) ||
        !sums_can_be_floats(bias + convolution.lowest_sum[channel], bias + convolution.highest_sum[channel], scale)) {
      return ConvolutionResult::general;
    }
  }
  return requantization.output_zero_point == 0 ? ConvolutionResult::saturating_at_zero : ConvolutionResult::saturating;
}

}  // namespace

PackedRequantization pack(const PackedConvolution& convolution, const ConvolutionRequantization& requantization) {
  check(convolution, requantization);
  PackedRequantization packed;
  packed.output_zero_point = requantization.output_zero_point;
  packed.clamp_lower = requantization.clamp_lower;
  packed.clamp_upper = requantization.clamp_upper;
  packed.lanes = AlignedBuffer(static_cast<std::size_t>(convolution.lanes) * 3 * sizeof(float));
  std::int32_t* const start = packed.lanes.as<std::int32_t>();
  float* const scale = packed.lanes.as<float>() + convolution.lanes;
  float* const offset = scale + convolution.lanes;
  for (const ConvolutionOutputBlock& block : convolution.blocks) {
    packed.results.push_back(result_of(convolution, block, requantization));
    const std::int32_t first_sum = packed.results.back() == ConvolutionResult::general ? 0 : float_sum;
    for (std::int64_t l = 0; l < block.width; ++l) {
      const std::int64_t in_block = convolution.kernel->channel_of_lane(block.width, l);
      if (in_block >= block.channels) continue;
      const auto channel = static_cast<std::size_t>(block.first_channel + in_block);
      const std::int64_t lane = block.first_lane + l;
      const std::int64_t bias = std::int64_t{requantization.bias[channel]} - convolution.zero_point_sum[channel];
      start[lane] = first_sum + static_cast<std::int32_t>(std::clamp<std::int64_t>(bias, -INT32_MAX, INT32_MAX));
      scale[lane] = requantization.scale[channel];
      offset[lane] = -float_sum_value * scale[lane];
    }
  }
  return packed;
}

}  // namespace itrt::kernels
