// Resampling of a channels-last u8 tensor, bilinear in integers, or the nearest pixel (docs/numerics.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/isa.h"
#include "kernels/add/add.h"

namespace itrt::kernels {

// Where output index o of an axis reads: weight0 * input[index0] + weight1 * input[index1], weight0 + weight1 = 128
// (`whole_weight`).
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

std::size_t resize_scratch_bytes(std::int64_t channels);

inline constexpr std::int16_t sixteenths = 16, whole_weight = 128;

// A PART of a row, a few cache lines, is resized in two steps, each exact; all that they use stays in the nearest
// cache:
//
//   across  words[i] = w0(i) * left[i] + w1(i) * right[i] + whole / 2     once for every input row, kept for the next
//   down    out[i] = (v0 * above[i] + v1 * below[i]) / whole^2            for every output row: no pixels, no taps here
//
// Two weights add up to `whole`: to `sixteenths` where all weights of a call are that, as they are when a size doubles
// or is multiplied by four or eight. Then sums have 16 bits. Otherwise to `whole_weight`, and they have 22.
//
// `count` elements, of which whole vectors are read and written, 64 bytes: `output` alone ends where it should.
// Pairs and words lie in an order of the kernel's own, that of its unpacking instructions.
struct ResizeKernel {
  const char* name;
  Isa isa;
  // out[pixel] = row[indices[pixel]], of `channels` bytes.
  void (*gather)(const std::uint8_t* row, const std::int32_t* indices, std::int64_t pixels, std::int64_t channels,
                 std::uint8_t* out);
  void (*pair)(const std::uint8_t* weights0, const std::uint8_t* weights1, std::int64_t count, std::uint8_t* pairs);
  void (*across)(const std::uint8_t* left, const std::uint8_t* right, const std::uint8_t* pairs, std::int16_t whole,
                 std::int64_t count, std::uint16_t* words);
  void (*down)(const std::uint16_t* above, const std::uint16_t* below, std::int16_t weight0, std::int16_t whole,
               std::int64_t count, std::uint8_t* output);

  void run(const ResizeCall& call, std::int64_t first_row, std::int64_t last_row) const;
};

// Resize and add in one, part by part: a resized part is read where it was written, in the nearest cache, and the
// resized tensor needs no memory. The bytes are those of a resize and an addition. The output may lie where the other
// input of the addition lies, but not where the resize reads.
struct ResizeAddCall {
  ResizeCall resize;              // its output is not used; its scratch: resize_add_scratch_bytes
  AddCall add;                    // of two inputs; these and its output begin at row resize.output_first_row, too
  std::size_t resized_input = 0;  // which of them is the resized one: its data is not used
};

std::size_t resize_add_scratch_bytes(std::int64_t channels);

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
