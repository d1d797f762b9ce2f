// Requantization by a multiplier and a shift, in integers alone (docs/numerics.md).
#include <algorithm>

#include "kernels/convolution/convolution_sums.h"

namespace itrt::kernels {
namespace {

// value / 2^shift to the nearest integer, halves to even.
std::int64_t divide_rounding(std::int64_t value, std::int32_t shift) {
  const std::int64_t floor = value >> shift, unit = std::int64_t{1} << shift;
  const std::int64_t twice_rest = 2 * (value & (unit - 1));
  return floor + (twice_rest > unit || (twice_rest == unit && (floor & 1) != 0));
}

}  // namespace

void requantize_fixed(const PackedConvolution& convolution, const PackedRequantization& requantization,
                      const SummedPixels& pixels) {
  const ConvolutionOutputBlock& block = convolution.blocks[pixels.block];
  const FixedPoint* const factors = requantization.fixed.data() + block.first_lane;
  const std::int32_t* const channels = convolution.channel_of_lane.data() + block.first_lane;
  const std::int32_t* sums = pixels.sums;
  std::uint8_t* out = pixels.output;
  for (std::int64_t p = 0; p < pixels.count; ++p, sums += block.width, out += convolution.out_channels) {
    for (std::int64_t lane = 0; lane < block.width; ++lane) {
      if (channels[lane] < 0) continue;
      const std::int64_t product = std::int64_t{sums[lane]} * factors[lane].multiplier;
      const std::int64_t stored = divide_rounding(product, factors[lane].shift) + requantization.output_zero_point;
      out[channels[lane]] = static_cast<std::uint8_t>(
          std::clamp<std::int64_t>(stored, requantization.clamp_lower, requantization.clamp_upper));
    }
  }
}

}  // namespace itrt::kernels
