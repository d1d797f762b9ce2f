// Between the driver (grouped.cpp, grouped_pack.cpp) and the kernels of terms with small groups. Such a term has as
// many output as input channels, so a block of output channels reads the same channels of its input:
//
//   tap 0 of a pixel   [c0 c1 c2 c3 | ...            ]  a block: `width` bytes from the pixel's pointer
//   tap 1              [c0 c1 c2 c3 | ...            ]
//     ...                └ a group ┘
//   sums               [s0 s1 s2 s3 | ...            ]  i32: handed on, or requantized
//
// The file is included by files that are compiled for a newer instruction set: declarations only.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/isa.h"
#include "kernels/convolution/convolution_kernel.h"

namespace itrt::kernels {

// Pixels that are neighbours in one output row, and one block of channels.
struct GroupedBlock {
  const std::uint8_t* const* pointers;
  const std::int64_t* offsets;  // tap t of pixel p reads from pointers[offsets[t] + p] + first_channel on
  std::int64_t taps;            // a multiple of the kernel's taps_together
  bool sliding;                 // the next pixel's tap t is this pixel's tap t + taps_together
  std::int64_t pixels;          // >= 1
  std::int64_t first_channel;
  std::int64_t channels;     // that exist: 1 .. width
  std::int64_t width;        // lanes
  bool in_order;             // lanes are channels in their order; else ConvolutionKernel::channel_of_lane has it
  const std::byte* weights;  // of this block, 64-byte aligned
  const std::int32_t*
      initial;  // [pixel][initial_stride], lanes: what sums start from. Stride 0: the same for all pixels
  std::int64_t initial_stride;
  ConvolutionResult result;
  const float* scale;  // one a lane, 64-byte aligned, as `offset`; not used where the result is `sum`
  const float* offset;
  std::int32_t output_zero_point, clamp_lower, clamp_upper;
  void* output;                // first pixel, first channel of the block: u8; ConvolutionResult::sum: i32, lanes
  std::int64_t output_stride;  // elements
};

struct GroupedKernel {
  const char* name;
  Isa isa;
  std::int64_t width;          // channels of a block, at most
  std::int64_t group;          // channels of a group, in and out; smaller groups are merged
  std::int64_t taps_together;  // taps that are multiplied at once: lists of taps are filled up to a multiple
  std::int64_t slide_columns;  // kernel width for which the kernel has a use for `sliding`; 0: none
  std::int64_t bytes_a_weight;
  KnownResults known;
  // The weights of a block, values[tap][input channel of the group][channel, of `width`], as `run` reads them: as many,
  // times bytes_a_weight.
  void (*pack)(const std::int8_t* values, std::int64_t taps, bool in_order, std::byte* packed);
  void (*run)(const GroupedBlock& block);
};

extern const GroupedKernel depthwise_portable;
#if defined(ITRT_X86)
extern const GroupedKernel depthwise_avx2;
extern const GroupedKernel depthwise_avx512_vnni;
extern const GroupedKernel groups_of_4_avx512_vnni;
extern const GroupedKernel groups_of_8_avx512_vnni;
extern const GroupedKernel groups_of_16_avx512_vnni;
#endif

}  // namespace itrt::kernels
