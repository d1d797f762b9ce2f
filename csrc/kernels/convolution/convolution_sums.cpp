#include "kernels/convolution/convolution_sums.h"

#include <algorithm>

#include "base/aligned_buffer.h"

namespace itrt::kernels {

void run_by_sums(const PackedConvolution& convolution, const PackedRequantization& requantization, std::size_t index,
                 const ConvolutionBlock& block) {
  alignas(cache_line) std::int32_t sums[pixel_granule * most_lanes];
  ConvolutionBlock part = block;
  part.result = ConvolutionResult::sum;
  part.output = sums;
  part.output_stride = block.width;
  std::uint8_t* const output = static_cast<std::uint8_t*>(block.output) - convolution.blocks[index].first_channel;
  for (std::int64_t first = 0; first < block.pixels; first += pixel_granule) {
    part.pixels = std::min(pixel_granule, block.pixels - first);
    convolution.kernel->run(part);
    requantization.requantize(
        convolution, requantization,
        {.block = index, .sums = sums, .count = part.pixels, .output = output + first * block.output_stride});
    part.pointers += pixel_granule;
    if (part.initial != nullptr) part.initial += pixel_granule * part.initial_stride;
  }
}

}  // namespace itrt::kernels
