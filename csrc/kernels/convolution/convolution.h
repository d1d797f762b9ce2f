// Convolution as a sum of terms, u8 x s8 -> i32 -> u8 (docs/numerics.md):
//
//   acc[pixel, o] = bias[o] + sum over terms and taps of weight * (input - zero_point)
//   out[pixel, o] = clamp(round(acc * scale[o]), lower, upper)        scale in binary32, or multiplier / 2^shift
//
// What a kernel sees is simpler. A tap of a term reads, for an output pixel, a run of bytes; taps that lie side by side
// in memory (a kernel row of an undilated convolution) are one run. So a convolution is a list of SEGMENTS, and an
// output pixel has one pointer a segment:
//
//   segment      0          1          2            3            pointers of one pixel for a 3x3 term
//   run       [row 0 ][  [row 1 ][  [row 2 ][  [1x1 term]        and a 1x1 term
//   weights   [ packed for blocks of output channels, four input bytes (a quad) side by side ]
//
// Stride, dilation, padding (a pointer to a run that holds the zero points), several inputs and flattened rows are all
// just pointers; the inner loop is one matrix product, written once an instruction set (the tile function).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/isa.h"

namespace itrt::kernels {

// Bytes behind the end of every input that a kernel may read (and ignores).
inline constexpr std::size_t input_slack = 64;

// One summand as the program states it. The weight is OHWI: (out_channels, kernel_height, kernel_width, in_channels /
// groups).
struct ConvolutionTerm {
  std::int64_t in_channels = 0;
  std::int64_t kernel_height = 1, kernel_width = 1;
  std::int64_t stride_height = 1, stride_width = 1;
  std::int64_t padding_top = 0, padding_left = 0;
  std::int64_t dilation_height = 1, dilation_width = 1;
  std::int64_t groups = 1;
  std::span<const std::int8_t> weight = {};
  std::span<const std::uint8_t> zero_points = {};  // one, or one an input channel
};

// Runs [first, first + count) of a PackedConvolution; at least one.
struct RunRange {
  std::int64_t first = 0, count = 0;
  bool operator==(const RunRange&) const = default;
};

struct ConvolutionKernel;   // convolution_kernel.h
struct ConvolutionSegment;  // convolution_kernel.h
struct PackedGroupedTerm;   // grouped.h
struct SummedPixels;        // convolution_sums.h
enum class ConvolutionResult;

// Bytes that lie side by side in an input: `taps` neighbours of a kernel row, with all their channels.
struct ConvolutionRun {
  std::int64_t term = 0, kernel_row = 0, kernel_column = 0;
  std::int64_t taps = 1;
  std::int64_t bytes = 0;
  std::int64_t padding_offset = 0;   // of this term's zero points in PackedConvolution::padding
  std::int64_t assembly_offset = 0;  // of this run in the scratch of a pixel at the border
};

// Output channels that one call of the kernel computes; all of them in one partition.
struct ConvolutionOutputBlock {
  std::int64_t first_channel = 0, channels = 0, width = 0;
  std::int64_t partition = 0;
  std::size_t weights_offset = 0;
  std::int64_t first_lane = 0;
};

// Output channels that kernels of grouped terms compute at once: a block, or neighbours that fit together, whose lanes
// are then channels in their order.
struct GroupedOutputBlock {
  std::int64_t first_channel = 0, channels = 0, width = 0;
  std::int64_t first_lane = 0;
  bool is_joined = false;
};

// Weights of all terms in the layout of one kernel. Immutable; shared between threads.
struct PackedConvolution {
  PackedConvolution();
  PackedConvolution(PackedConvolution&&) noexcept;
  PackedConvolution& operator=(PackedConvolution&&) noexcept;
  ~PackedConvolution();

  const ConvolutionKernel* kernel = nullptr;
  std::int64_t out_channels = 0;
  std::vector<ConvolutionTerm> terms;  // their weight and zero_points spans are empty here: packing has consumed them
  std::vector<PackedGroupedTerm> grouped;  // terms with small groups; all others are the segments
  std::vector<ConvolutionRun> runs;
  bool gathered = false;  // all runs of a pixel are copied side by side and are one segment; else a segment a run
  bool stem = false;      // gathered, but the kernel's StemKernel multiplies what lies in the image as it is (stem.h)
  std::vector<ConvolutionOutputBlock> blocks;
  std::vector<GroupedOutputBlock> grouped_blocks;  // of the same channels; empty where no term is grouped
  std::int64_t segment_count = 0;
  std::int64_t hoisted_runs = 0;             // the first runs, those of terms that may be summed up beforehand
  std::vector<ConvolutionSegment> segments;  // [partition][segment]
  std::int64_t assembly_bytes = 0;           // scratch of a pixel at the border
  AlignedBuffer weights;
  AlignedBuffer padding;                      // runs that hold each term's zero points
  std::int64_t lanes = 0;                     // of all blocks
  std::vector<std::int32_t> channel_of_lane;  // the output channel of each; -1: none
  // [run][lane]: what a run adds to the sums' start, minus weight * zero_point; empty where no run may be skipped
  // (convolution_skip.h).
  AlignedBuffer run_starts;
  std::vector<std::int32_t> zero_point_sum;           // sum of weight * zero_point an output channel: bias -= this
  std::vector<std::int64_t> lowest_sum, highest_sum;  // of weight * input, whatever the input, an output channel
};

// Products of a sum and a multiplier have 46 bits: with a larger shift all would be rounded to 0.
inline constexpr std::int32_t largest_fixed_shift = 46;
inline constexpr std::int32_t largest_fixed_multiplier = 32767;

// What turns sums into outputs, as the program states it.
struct ConvolutionRequantization {
  std::span<const std::int32_t> bias = {};  // one an output channel
  std::span<const float> scale = {};        // one an output channel; empty in fixed point
  // In fixed point, one an output channel each: what takes the scale's place is multiplier / 2^shift.
  std::span<const std::int16_t> multiplier = {};  // -32767 to 32767
  std::span<const std::uint8_t> shift = {};       // 0 to largest_fixed_shift
  std::int32_t output_zero_point = 0;
  std::int32_t clamp_lower = 0, clamp_upper = 255;  // stored values, inclusive
};

struct FixedPoint {
  std::int32_t multiplier = 0, shift = 0;
};

// The same in the order of a packed convolution's lanes, its zero points folded into the bias. Immutable; shared
// between threads.
struct PackedRequantization {
  std::int32_t output_zero_point = 0, clamp_lower = 0, clamp_upper = 255;
  std::vector<ConvolutionResult> results;  // one a block
  AlignedBuffer lanes;                     // i32 start, f32 scale, f32 offset; each [lane]
  std::vector<FixedPoint> fixed;           // [lane]; empty where scales are binary32
  // Turns into bytes what blocks of ConvolutionResult::sum leave.
  void (*requantize)(const PackedConvolution& convolution, const PackedRequantization& requantization,
                     const SummedPixels& pixels) = nullptr;
};

// Where a term's input lies; its height and width. Of an input that is computed a stripe at a time, rows may be missing
// in memory: `data` is that of row `first_row`, and only output pixels that read no row before it may be computed.
struct ConvolutionInput {
  const std::uint8_t* data = nullptr;
  std::int64_t height = 0, width = 0;
  std::int64_t first_row = 0;
};

// Everything that changes from call to call.
struct ConvolutionCall {
  std::span<const ConvolutionInput> inputs;  // one a term
  const PackedRequantization* requantization = nullptr;
  // What convolve_hoisted has written, [output pixel][lane]; null, as where hoisted_runs is 0: all terms are
  // multiplied.
  const std::int32_t* hoisted = nullptr;
  std::uint8_t* output = nullptr;  // (height, width, out_channels), from pixel `output_first_pixel` on
  std::int64_t output_height = 0, output_width = 0, output_first_pixel = 0;
  std::byte* scratch = nullptr;  // scratch_bytes(packed), 64-byte aligned, this thread's own
};

// The first `hoisted_terms` terms may be summed up beforehand, unless one of all terms has a grouped kernel.
PackedConvolution pack(const ConvolutionKernel& kernel, std::int64_t out_channels,
                       std::span<const ConvolutionTerm> terms, std::size_t hoisted_terms = 0);
PackedRequantization pack(const PackedConvolution& convolution, const ConvolutionRequantization& requantization);

std::size_t scratch_bytes(const PackedConvolution& packed);

// Compute the output pixels [first, last) of the flattened height * width range. Threads and stripes are such ranges.
void convolve(const PackedConvolution& packed, const ConvolutionCall& call, std::int64_t first, std::int64_t last);

// Sum up the hoisted runs alone, for the same pixels, to sums[pixel * packed.lanes + lane]. The call's output is not
// written.
void convolve_hoisted(const PackedConvolution& packed, const ConvolutionCall& call, std::int32_t* sums,
                      std::int64_t first, std::int64_t last);

// Names of the kernels that compute it: those of its grouped terms, then the dense one's.
std::vector<std::string> kernel_names(const PackedConvolution& packed);

// The kernels that are compiled in, best first.
std::span<const ConvolutionKernel* const> convolution_kernels();

// The best kernel that runs where `isa` is chosen.
const ConvolutionKernel& select_convolution(Isa isa);

}  // namespace itrt::kernels
