// Resampling of a channels-last u8 tensor, bilinear in integers, or the nearest pixel (docs/numerics.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/isa.h"
#include "kernels/add/add.h"

namespace itrt::kernels {

// Where output index o of an axis reads: weight0 * input[index0] + weight1 * input[index1], weight0 + weight1 = 128.
struct ResizeTap {
  std::int32_t index0, index1;
  std::int16_t weight0, weight1;
};

// Where the pixels of an axis lie: the image's borders meet (and centres are half a pixel inside), or the centres of
// the corner pixels.
enum class Alignment { borders, corners };

ResizeTap resize_tap(std::int64_t output_index, std::int64_t input_size, std::int64_t output_size,
                     Alignment alignment = Alignment::borders);

// Rows of the input before `input_first_row`, and of the output before `output_first_row`, may be missing in memory.
struct ResizeCall {
  const std::uint8_t* input = nullptr;  // (input_height, input_width, channels), from row input_first_row on
  std::int64_t input_height = 0, input_width = 0, input_first_row = 0;
  std::int64_t channels = 0;
  std::uint8_t* output = nullptr;  // (output_height, output_width, channels), from row output_first_row on
  std::int64_t output_height = 0, output_width = 0, output_first_row = 0;
  Alignment alignment = Alignment::borders;
  std::byte* scratch = nullptr;  // resize_scratch_bytes, 64-byte aligned, this thread's own
};

std::size_t resize_scratch_bytes(std::int64_t input_width, std::int64_t output_width, std::int64_t channels);

// An output row is two steps, each exact:
//
//   blend       column[j] = w0 * row0[j] + w1 * row1[j]     all input columns and channels; at most 128 * 255: 16 bits
//   interpolate out[x] = (v0 * column[j0(x)] + v1 * column[j1(x)] + 8192) >> 14
//
// `blended` may be read and written up to 64 bytes past its end.
struct ResizeKernel {
  const char* name;
  Isa isa;
  void (*blend)(const std::uint8_t* row0, const std::uint8_t* row1, const ResizeTap& tap, std::int64_t count,
                std::int16_t* blended);
  void (*interpolate)(const std::int16_t* blended, const ResizeTap* taps, std::int64_t width, std::int64_t channels,
                      std::uint8_t* output);

  void run(const ResizeCall& call, std::int64_t first_row, std::int64_t last_row) const;
};

// Resize and add in one, a row at a time: the resized row is read where it was written, in the nearest cache, and the
// resized tensor needs no memory. The bytes are those of a resize and an addition. The output may lie where the other
// input of the addition lies, but not where the resize reads.
struct ResizeAddCall {
  ResizeCall resize;              // its output is not used; its scratch: resize_add_scratch_bytes
  AddCall add;                    // of two inputs; these and its output begin at row resize.output_first_row, too
  std::size_t resized_input = 0;  // which of them is the resized one: its data is not used
};

std::size_t resize_add_scratch_bytes(std::int64_t input_width, std::int64_t output_width, std::int64_t channels);

void resize_add(const ResizeKernel& kernel, const AddKernel& add_kernel, const ResizeAddCall& call,
                std::int64_t first_row, std::int64_t last_row);

// out[y, x] = input[floor(y * input_height / output_height), floor(x * input_width / output_width)]. Needs no scratch.
void resize_nearest(const ResizeCall& call, std::int64_t first_row, std::int64_t last_row);

extern const ResizeKernel resize_portable;
#if defined(ITRT_X86)
extern const ResizeKernel resize_avx2;
extern const ResizeKernel resize_avx512_vnni;
#endif

std::span<const ResizeKernel* const> resize_kernels();  // best first
const ResizeKernel& select_resize(Isa isa);

}  // namespace itrt::kernels
