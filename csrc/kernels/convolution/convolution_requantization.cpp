// Requantization in the order of lanes, and the proofs that allow its cheaper forms (convolution_kernel.h).
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <string>

#include "base/errors.h"
#include "kernels/convolution/convolution.h"
#include "kernels/convolution/convolution_kernel.h"
#include "kernels/convolution/convolution_sums.h"
#include "kernels/convolution/grouped.h"

namespace itrt::kernels {
namespace {

static_assert(std::bit_cast<std::int32_t>(fixed_offset) == float_sum);
constexpr std::int64_t largest_float_sum = (1 << 22) - 1;
constexpr std::int64_t fixed_product_limit = 1 << 22;

bool is_fixed(const ConvolutionRequantization& requantization) { return !requantization.multiplier.empty(); }

void check_factors(const ConvolutionRequantization& requantization) {
  for (const std::int16_t multiplier : requantization.multiplier) {
    if (multiplier >= -largest_fixed_multiplier) continue;
    throw InvalidArgument("convolution multiplier: expected -32767 to 32767, found " + std::to_string(multiplier));
  }
  for (const std::uint8_t shift : requantization.shift) {
    if (shift <= largest_fixed_shift) continue;
    throw InvalidArgument("convolution shift: expected 0 to " + std::to_string(largest_fixed_shift) + ", found " +
                          std::to_string(shift));
  }
}

void check(const PackedConvolution& convolution, const ConvolutionRequantization& requantization) {
  const auto channels = static_cast<std::size_t>(convolution.out_channels);
  const auto expect = [&](const char* name, std::size_t found, std::size_t expected) {
    if (found == expected) return;
    throw InvalidArgument(std::string("convolution ") + name + ": expected " + std::to_string(expected) +
                          " elements, found " + std::to_string(found));
  };
  const bool fixed = is_fixed(requantization);
  expect("bias", requantization.bias.size(), channels);
  expect("scale", requantization.scale.size(), fixed ? 0 : channels);
  expect("multiplier", requantization.multiplier.size(), fixed ? channels : 0);
  expect("shift", requantization.shift.size(), fixed ? channels : 0);
  check_factors(requantization);
}

// The bounds of a channel's sums, whatever the input.
struct SumRange {
  std::int64_t lowest, highest;
  std::int64_t magnitude() const { return std::max(std::abs(lowest), std::abs(highest)); }
};

std::int64_t start_of(const PackedConvolution& convolution, const ConvolutionRequantization& requantization,
                      std::size_t channel) {
  return std::int64_t{requantization.bias[channel]} - convolution.zero_point_sum[channel];
}

SumRange sum_range(const PackedConvolution& convolution, const ConvolutionRequantization& requantization,
                   std::size_t channel) {
  const std::int64_t start = start_of(convolution, requantization, channel);
  return {start + convolution.lowest_sum[channel], start + convolution.highest_sum[channel]};
}

// No sum reaches 2^22, and offset = -1.5 * 2^23 * scale is exact: the two lowest bits of the scale's 24 are zero (or
// one of them, by luck).
bool sums_can_be_floats(const SumRange& sums, float scale) {
  if (sums.magnitude() > largest_float_sum) return false;
  const double offset = -static_cast<double>(fixed_offset) * static_cast<double>(scale);
  return static_cast<double>(static_cast<float>(offset)) == offset;
}

bool can_saturate(const PackedConvolution& convolution, const ConvolutionOutputBlock& block,
                  const ConvolutionRequantization& requantization) {
  // Kernels of grouped terms store whole blocks unless the result is general or fixed.
  if ((block.channels < block.width && !convolution.grouped.empty()) || requantization.clamp_lower != 0 ||
      requantization.clamp_upper != 255) {
    return false;
  }
  for (std::int64_t c = block.first_channel; c < block.first_channel + block.channels; ++c) {
    const auto channel = static_cast<std::size_t>(c);
    const float scale = requantization.scale[channel];
    if (!(std::abs(scale) < 1.0f) || !sums_can_be_floats(sum_range(convolution, requantization, channel), scale)) {
      return false;
    }
  }
  return true;
}

// No sum is larger than the kernel takes, and no product reaches 2^22.
bool can_be_fixed(const PackedConvolution& convolution, const ConvolutionOutputBlock& block,
                  const ConvolutionRequantization& requantization, std::int64_t largest_sum) {
  for (std::int64_t c = block.first_channel; c < block.first_channel + block.channels; ++c) {
    const auto channel = static_cast<std::size_t>(c);
    const std::int64_t sum = sum_range(convolution, requantization, channel).magnitude();
    const std::int64_t multiplier = std::abs(requantization.multiplier[channel]);
    if (sum > largest_sum || sum * multiplier >> requantization.shift[channel] >= fixed_product_limit) return false;
  }
  return true;
}

// Of the kernel that comes last.
const KnownResults& known_results(const PackedConvolution& convolution) {
  return convolution.segment_count > 0 ? convolution.kernel->known : convolution.grouped.back().kernel->known;
}

ConvolutionResult result_of(const PackedConvolution& convolution, const ConvolutionOutputBlock& block,
                            const ConvolutionRequantization& requantization) {
  const KnownResults& known = known_results(convolution);
  if (is_fixed(requantization)) {
    const std::int64_t largest_sum = known.largest_fixed_sum;
    const bool fits = largest_sum > 0 && can_be_fixed(convolution, block, requantization, largest_sum);
    return fits ? ConvolutionResult::fixed : ConvolutionResult::sum;
  }
  if (known.saturating && can_saturate(convolution, block, requantization)) {
    return requantization.output_zero_point == 0 ? ConvolutionResult::saturating_at_zero
                                                 : ConvolutionResult::saturating;
  }
  return known.general ? ConvolutionResult::general : ConvolutionResult::sum;
}

bool reads_float_sums(ConvolutionResult result) {
  return result == ConvolutionResult::saturating || result == ConvolutionResult::saturating_at_zero;
}

}  // namespace

PackedRequantization pack(const PackedConvolution& convolution, const ConvolutionRequantization& requantization) {
  check(convolution, requantization);
  const bool fixed = is_fixed(requantization);
  PackedRequantization packed;
  packed.output_zero_point = requantization.output_zero_point;
  packed.clamp_lower = requantization.clamp_lower;
  packed.clamp_upper = requantization.clamp_upper;
  packed.requantize = fixed ? requantize_fixed : requantize_float;
  packed.lanes = AlignedBuffer(static_cast<std::size_t>(convolution.lanes) * 3 * sizeof(float));
  if (fixed) packed.fixed.resize(static_cast<std::size_t>(convolution.lanes));
  std::int32_t* const start = packed.lanes.as<std::int32_t>();
  float* const scale = packed.lanes.as<float>() + convolution.lanes;
  float* const offset = scale + convolution.lanes;
  for (const ConvolutionOutputBlock& block : convolution.blocks) {
    packed.results.push_back(result_of(convolution, block, requantization));
    const std::int32_t first_sum = reads_float_sums(packed.results.back()) ? float_sum : 0;
    for (std::int64_t lane = block.first_lane; lane < block.first_lane + block.width; ++lane) {
      const auto place = static_cast<std::size_t>(lane);
      if (convolution.channel_of_lane[place] < 0) continue;
      const auto channel = static_cast<std::size_t>(convolution.channel_of_lane[place]);
      const std::int64_t bias = start_of(convolution, requantization, channel);
      start[lane] = first_sum + static_cast<std::int32_t>(std::clamp<std::int64_t>(bias, -INT32_MAX, INT32_MAX));
      if (fixed) {
        packed.fixed[place] = {requantization.multiplier[channel], requantization.shift[channel]};
        scale[lane] = std::ldexp(static_cast<float>(packed.fixed[place].multiplier), -packed.fixed[place].shift);
      } else {
        scale[lane] = requantization.scale[channel];
        offset[lane] = -fixed_offset * scale[lane];
      }
    }
  }
  return packed;
}

}  // namespace itrt::kernels
