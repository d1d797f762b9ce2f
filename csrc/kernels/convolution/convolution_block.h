// What the drivers share: a block of output channels as kernels see it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/convolution/convolution.h"
#include "kernels/convolution/convolution_kernel.h"

namespace itrt::kernels {

// Block `index` of a call, its output from output pixel `pixel` on; the driver adds pixels and pointers.
inline ConvolutionBlock output_block(const PackedConvolution& packed, const ConvolutionCall& call, std::size_t index,
                                     std::int64_t pixel) {
  const ConvolutionOutputBlock& block = packed.blocks[index];
  const PackedRequantization& requantization = *call.requantization;
  const float* const scale = requantization.lanes.as<float>() + packed.lanes;
  return {
      .pointers = nullptr,
      .pointer_stride = 0,
      .gathered = packed.gathered,
      .pixels = 0,
      .segments = packed.segments.data() + block.partition * packed.segment_count,
      .segment_count = packed.segment_count,
      .weights = packed.weights.data() + block.weights_offset,
      .width = block.width,
      .channels = block.channels,
      .start = requantization.lanes.as<std::int32_t>() + block.first_lane,
      .scale = scale + block.first_lane,
      .offset = scale + packed.lanes + block.first_lane,
      .result = requantization.results[index],
      .output_zero_point = requantization.output_zero_point,
      .clamp_lower = requantization.clamp_lower,
      .clamp_upper = requantization.clamp_upper,
      .initial = nullptr,
      .initial_stride = 0,
      .output = call.output + (pixel - call.output_first_pixel) * packed.out_channels + block.first_channel,
      .output_stride = packed.out_channels,
  };
}

}  // namespace itrt::kernels
