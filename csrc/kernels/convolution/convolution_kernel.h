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
inline constexpr std::int64_t pixel_granule = 48;

// Of a gathered convolution (PackedConvolution::gathered): bytes from one pixel to the next, and kernel rows.
inline constexpr std::int64_t gathered_pitch = 32;
inline constexpr std::size_t gathered_runs = 3;

struct ConvolutionSegment {
  std::int64_t quads;   // 4-byte groups of the run
  std::int64_t offset;  // bytes from the pixel's pointer to the run: the channels of groups before this one
};

// What becomes of a finished sum.
enum class ConvolutionResult {
  // u8: multiplied, clamped, rounded.
  general,
  // u8, proven to need less: no product leaves 31 bits and the clamp is that of the type. Sums start at `float_sum` and
  // are read as binary32: see `float_sum`.
  saturating,
  saturating_at_zero,  // and the output's zero point is 0
  // u8, fixed-point: multiplied exactly, rounded once (halves to even), clamped. `scale` is multiplier / 2^shift, no
  // product reaches 2^22: see `fixed_offset`.
  fixed,
  // i32, as it is: a summand of later calls (ConvolutionBlock::initial), or for the driver to turn into bytes.
  sum,
};

// What a kernel can make of sums beside handing them on; the driver does the rest (convolution_sums.h).
struct KnownResults {
  bool general = false;
  bool saturating = false;             // both kinds
  std::int64_t largest_fixed_sum = 0;  // magnitude for which `fixed` is exact; 0: not known
};

// The bits of 1.5 * 2^23. A binary32 number there has units of one, so an i32 sum of less than 23 bits that starts here
// is, read as binary32, 1.5 * 2^23 + sum. With offset = -1.5 * 2^23 * scale, where that is exact,
//
//   fused_multiply_add(1.5 * 2^23 + sum, scale, offset) = round(sum * scale)
//
// to the last bit: one instruction in place of a conversion and a multiplication.
inline constexpr std::int32_t float_sum = 0x4B400000;

// Of ConvolutionResult::fixed. A sum of at most 24 bits is a binary32 number, and so is multiplier / 2^shift; the
// result of
//
//   fused_multiply_add(sum, scale, 1.5 * 2^23)
//
// lies where units are one. So the exact product is rounded once, to an integer, and the result's bits are `float_sum`
// + that integer. Larger sums take the same way in binary64, in which their products are exact.
inline constexpr float fixed_offset = 12582912.0f;
inline constexpr std::int64_t largest_float_integer = std::int64_t{1} << 24;

struct ConvolutionBlock {
  const std::uint8_t* const* pointers;  // [segment][pointer_stride]
  std::int64_t pointer_stride;
  bool gathered;        // one segment, whose pointers lie gathered_pitch apart
  std::int64_t pixels;  // >= 1
  const ConvolutionSegment* segments;
  std::int64_t segment_count;
  const std::byte* weights;  // of this block, 64-byte aligned
  std::int64_t width;        // channels that the weights are padded to: lanes
  std::int64_t channels;     // channels that exist: 1 .. width
  // One a lane, 64-byte aligned.
  const std::int32_t* start;  // the bias: sums start here
  const float* scale;
  const float* offset;
  ConvolutionResult result;
  std::int32_t output_zero_point, clamp_lower, clamp_upper;
  const std::int32_t* initial;  // [pixel][initial_stride], lanes of this block: added to `start`; or null
  std::int64_t initial_stride;
  void* output;                // first pixel, first channel of the block: u8; ConvolutionResult::sum: i32, lanes
  std::int64_t output_stride;  // elements
};

struct StemKernel;  // stem_kernel.h

struct ConvolutionKernel {
  const char* name;
  Isa isa;
  std::int64_t vector_width;  // channels: blocks are multiples of it
  std::int64_t bytes_a_quad;  // of packed weights, a lane
  // Segments are rounded up to multiples of it, by weights that are zero: `run` may read as many bytes of every pixel.
  std::int64_t quads_a_step = 1;
  std::int64_t tile_pixels = 6;  // of most tiles
  KnownResults known;
  // Width of the block to cut off first when `vectors` vectors of channels are left.
  std::int64_t (*block_vectors)(std::int64_t vectors);
  // Where in a block of `width` lanes the channels lie: a permutation.
  std::int64_t (*channel_of_lane)(std::int64_t width, std::int64_t lane);
  // One quad's weights, [lane][4], as `run` reads them: width * bytes_a_quad bytes.
  void (*pack_quad)(const std::int8_t* quad, std::int64_t width, std::byte* packed);
  // Called on a thread before it calls `run` and after (prepared_thread.h), for registers that take some setting up.
  // Null: nothing.
  void (*prepare_thread)() = nullptr;
  void (*run)(const ConvolutionBlock& block);
  void (*release_thread)() = nullptr;
  const StemKernel* stem = nullptr;  // for image stems, if there is one
};

extern const ConvolutionKernel convolution_portable;
#if defined(ITRT_X86)
extern const ConvolutionKernel convolution_avx2;
extern const ConvolutionKernel convolution_avx_vnni;
extern const ConvolutionKernel convolution_avx512_vnni;
extern const ConvolutionKernel convolution_amx_int8;
extern const StemKernel stem_avx512_vnni;
#elif defined(ITRT_ARM)
extern const ConvolutionKernel convolution_neon_dot;
extern const ConvolutionKernel convolution_neon_i8mm;
#endif

}  // namespace itrt::kernels
