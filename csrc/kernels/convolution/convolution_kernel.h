// Between the driver (convolution.cpp, convolution_pack.cpp) and the kernels: one function that multiplies a panel of
// output pixels with one block of output channels.
//
//                         quads of segment 0     quads of segment 1 ...
//   pixel 0  pointer ──►  [4 bytes][4 bytes]...  [4 bytes]...        ┐
//   pixel 1  pointer ──►  [4 bytes][4 bytes]...  [4 bytes]...        │ times the block's weights, [quad][channel][4]
//     ...                                                            ┘ (or as the kernel's pack_quad arranges a quad)
//
// The file is included by files that are compiled for a newer instruction set: declarations only.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/isa.h"

namespace itrt::kernels {

// Pixel counts of all kernels' tiles divide this; pointers of a panel are valid up to the next multiple of it.
inline constexpr std::int64_t pixel_granule = 24;

struct ConvolutionSegment {
  std::int64_t quads;   // 4-byte groups of the run
  std::int64_t offset;  // bytes from the pixel's pointer to the run: the channels of groups before this one
};

struct ConvolutionBlock {
  const std::uint8_t* const* pointers;  // [segment][pointer_stride]
  std::int64_t pointer_stride;
  std::int64_t pixels;  // >= 1
  const ConvolutionSegment* segments;
  std::int64_t segment_count;
  const std::byte* weights;  // of this block, 64-byte aligned
  std::int64_t width;        // channels that the weights are padded to
  std::int64_t channels;     // channels that exist: 1 .. width
  const std::int32_t* bias;
  const float* scale;
  std::int32_t output_zero_point, clamp_lower, clamp_upper;
  std::uint8_t* output;  // first pixel, first channel of the block
  std::int64_t output_stride;
};

struct ConvolutionKernel {
  const char* name;
  Isa isa;
  std::int64_t vector_width;  // channels: blocks are multiples of it
  std::int64_t bytes_a_quad;  // of packed weights, a channel
  // Width of the block to cut off first when `vectors` vectors of channels are left.
  std::int64_t (*block_vectors)(std::int64_t vectors);
  // One quad's weights, [width][4], as `run` reads them: width * bytes_a_quad bytes.
  void (*pack_quad)(const std::int8_t* quad, std::int64_t width, std::byte* packed);
  void (*run)(const ConvolutionBlock& block);
};

extern const ConvolutionKernel convolution_portable;
#if defined(ITRT_X86)
extern const ConvolutionKernel convolution_avx2;
extern const ConvolutionKernel convolution_avx_vnni;
extern const ConvolutionKernel convolution_avx512_vnni;
#elif defined(ITRT_ARM)
extern const ConvolutionKernel convolution_neon_dot;
extern const ConvolutionKernel convolution_neon_i8mm;
#endif

}  // namespace itrt::kernels
