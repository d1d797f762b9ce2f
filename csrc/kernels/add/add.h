// Addition of quantized tensors with individual scales (docs/numerics.md); with one input a requantization.
//
//   out = clamp(round(sum of multiplier * (input - zero_point)), lower - z, upper - z) + z, in binary32, left to right
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/isa.h"

namespace itrt::kernels {

struct AddInput {
  const std::uint8_t* data = nullptr;
  std::int32_t zero_point = 0;
  float multiplier = 0;
};

struct AddCall {
  std::span<const AddInput> inputs;
  std::int32_t output_zero_point = 0;
  std::int32_t clamp_lower = 0, clamp_upper = 255;  // stored values, inclusive
  std::uint8_t* output = nullptr;
};

// What a kernel sees: plain data, the clamp and zero point ready.
struct AddElements {
  const AddInput* inputs;
  std::size_t input_count;
  float lower, upper;  // clamp before the zero point is added
  std::int32_t zero_point;
  std::uint8_t* output;
};

struct AddKernel {
  const char* name;
  Isa isa;
  void (*elements)(const AddElements& add, std::int64_t first, std::int64_t last);

  void run(const AddCall& call, std::int64_t first, std::int64_t last) const;  // elements [first, last)
};

extern const AddKernel add_portable;
#if defined(ITRT_X86)
extern const AddKernel add_avx2;
extern const AddKernel add_avx512_vnni;
#endif

std::span<const AddKernel* const> add_kernels();  // best first
const AddKernel& select_add(Isa isa);

}  // namespace itrt::kernels
