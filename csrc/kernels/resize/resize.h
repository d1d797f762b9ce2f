// Bilinear resampling of a channels-last u8 tensor, half-pixel centres, in integers (docs/numerics.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/isa.h"

namespace itrt::kernels {

// Where output index o of an axis reads: weight0 * input[index0] + weight1 * input[index1], weight0 + weight1 = 128.
struct ResizeTap {
  std::int32_t index0, index1;
  std::int16_t weight0, weight1;
};

ResizeTap resize_tap(std::int64_t output_index, std::int64_t input_size, std::int64_t output_size);

struct ResizeCall {
  const std::uint8_t* input = nullptr;  // (input_height, input_width, channels)
  std::int64_t input_height = 0, input_width = 0;
  std::int64_t channels = 0;
  std::uint8_t* output = nullptr;  // (output_height, output_width, channels)
  std::int64_t output_height = 0, output_width = 0;
  std::byte* scratch = nullptr;  // resize_scratch_bytes, 64-byte aligned, this thread's own
};

std::size_t resize_scratch_bytes(std::int64_t input_width, std::int64_t output_width, std::int64_t channels);

struct ResizeKernel {
  const char* name;
  Isa isa;
  void (*run)(const ResizeCall& call, std::int64_t first_row, std::int64_t last_row);
};

std::span<const ResizeKernel* const> resize_kernels();  // best first
const ResizeKernel& select_resize(Isa isa);

}  // namespace itrt::kernels
