// The driver: a panel of output pixels at a time, then every block of output channels over the panel, so that a block's
// weights stay in the nearest cache for all the panel's pixels.
#include "kernels/convolution/convolution.h"

#include <algorithm>

#include "kernels/convolution/convolution_kernel.h"
#include "kernels/convolution/convolution_panel.h"
#include "kernels/convolution/grouped.h"
#include "kernels/select.h"

namespace itrt::kernels {
namespace {

constexpr const ConvolutionKernel* rows[] = {
#if defined(ITRT_X86)
    &convolution_avx512_vnni,
    &convolution_avx_vnni,
    &convolution_avx2,
#elif defined(ITRT_ARM)
    &convolution_neon_i8mm,
    &convolution_neon_dot,
#endif
    &convolution_portable,
};

// The scratch memory of grouped terms lies behind the panel's.
std::size_t grouped_scratch_offset(const PackedConvolution& packed) {
  return (panel_bytes(packed) + cache_line - 1) / cache_line * cache_line;
}

}  // namespace

std::size_t scratch_bytes(const PackedConvolution& packed) {
  if (packed.segment_count == 0) return grouped_scratch_bytes(packed);
  return grouped_scratch_offset(packed) + grouped_scratch_bytes(packed);
}

void convolve(const PackedConvolution& packed, const ConvolutionCall& call, std::int64_t first, std::int64_t last) {
  if (packed.segment_count == 0) return convolve_grouped(packed, call, first, last);
  const PackedRequantization& requantization = *call.requantization;
  const std::int32_t* start = requantization.lanes.as<std::int32_t>();
  const float* scale = requantization.lanes.as<float>() + packed.lanes;
  Panel panel(packed, call, first);
  GroupedPanel grouped(packed, call, call.scratch + grouped_scratch_offset(packed));
  while (first < last) {
    const std::int64_t limit = packed.grouped.empty() ? last : std::min(last, first + grouped_panel_pixels);
    const std::int64_t pixels = panel.fill(limit);
    grouped.point(first, pixels);
    for (std::size_t b = 0; b < packed.blocks.size(); ++b) {
      const ConvolutionOutputBlock& block = packed.blocks[b];
      packed.kernel->run({
          .pointers = panel.pointers(),
          .pointer_stride = panel_pixels,
          .gathered = packed.gathered,
          .pixels = pixels,
          .segments = packed.segments.data() + block.partition * packed.segment_count,
          .segment_count = packed.segment_count,
          .weights = packed.weights.data() + block.weights_offset,
          .width = block.width,
          .channels = block.channels,
          .start = start + block.first_lane,
          .scale = scale + block.first_lane,
          .offset = scale + packed.lanes + block.first_lane,
          .result = requantization.results[b],
          .output_zero_point = requantization.output_zero_point,
          .clamp_lower = requantization.clamp_lower,
          .clamp_upper = requantization.clamp_upper,
          .initial = grouped.sum(b),
          .initial_stride = block.width,
          .output = call.output + first * packed.out_channels + block.first_channel,
          .output_stride = packed.out_channels,
      });
    }
    first += pixels;
  }
}

std::vector<std::string> kernel_names(const PackedConvolution& packed) {
  std::vector<std::string> names;
  for (const PackedGroupedTerm& grouped : packed.grouped) names.emplace_back(grouped.kernel->name);
  if (packed.segment_count > 0) names.emplace_back(packed.kernel->name);
  return names;
}

std::span<const ConvolutionKernel* const> convolution_kernels() { return rows; }

const ConvolutionKernel& select_convolution(Isa isa) { return best_of<ConvolutionKernel>(rows, isa); }

}  // namespace itrt::kernels
