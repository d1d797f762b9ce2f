// Addition of quantized tensors with individual scales (docs/numerics.md); with one input a requantization. Integers:
//
//   sum = sum of multiplier * (input - zero_point)          at most 31 bits
//   out = clamp(((sum + 2^(shift - 1)) >> shift) + output zero_point)      halves are rounded up
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/isa.h"

namespace itrt::kernels {

inline constexpr std::int32_t largest_add_multiplier = 32767;  // of either sign: 16 bits
inline constexpr std::int32_t largest_add_shift = 28;
inline constexpr std::size_t most_add_inputs = 64;  // 64 * 255 * 32767 + 2^27 are 30 bits

struct AddInput {
  const std::uint8_t* data = nullptr;
  std::int32_t zero_point = 0;
  std::int32_t multiplier = 0;
};

// The output may lie where an input lies: every element is read before it is written, whatever the range of a call.
struct AddCall {
  std::span<const AddInput> inputs;
  std::int32_t shift = 0;
  std::int32_t output_zero_point = 0;
  std::int32_t clamp_lower = 0, clamp_upper = 255;  // stored values, inclusive
  std::uint8_t* output = nullptr;
};

// What a kernel sees: out = clamp(((start + sum of multiplier * input) >> shift) + zero_point).
struct AddElements {
  const AddInput* inputs;
  std::size_t input_count;
  std::int32_t start;  // the rounding, less what the inputs' zero points add up to
  std::int32_t shift;
  std::int32_t zero_point, lower, upper;
  std::uint8_t* output;
};

AddElements add_elements(const AddCall& call);

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
