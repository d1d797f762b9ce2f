// Product of two quantized tensors, one of which may be broadcast (docs/numerics.md). Integers:
//
//   product = (a - zero_point_a) * (b - zero_point_b) * multiplier          31 bits
//   out     = clamp(floor(product / 2^shift + 1/2) + output zero point)     halves are rounded up
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/isa.h"

namespace itrt::kernels {

inline constexpr std::int32_t largest_multiply_shift = 45;

struct MultiplyInput {
  const std::uint8_t* data = nullptr;
  std::int32_t zero_point = 0;
  bool one_pixel = false;    // the same for every pixel
  bool one_channel = false;  // the same for every channel
};

// The output may lie where an input lies that is not broadcast: every element is read before it is written.
struct MultiplyCall {
  std::array<MultiplyInput, 2> inputs;
  std::int64_t channels = 0;
  std::int32_t multiplier = 1;  // 1 to 32767
  std::int32_t shift = 0;       // 0 to largest_multiply_shift
  std::int32_t output_zero_point = 0;
  std::int32_t clamp_lower = 0, clamp_upper = 255;  // stored values, inclusive
  std::uint8_t* output = nullptr;
};

// What a kernel sees: out = clamp((((a - zero_a) * (b - zero_b) * multiplier >> shift) + half >> half) + zero_point).
//
// A product has 31 bits, so a half could not be added to it: all bits but one are shifted out, the half is then 1, and
// goes with the last bit. A shift of 0 has no half. One of more than 31 leaves the sign, and rounding makes it 0.
struct MultiplyElements {
  std::int32_t zero_a = 0, zero_b = 0, multiplier = 1;
  std::int32_t shift = 0;  // at most 31
  std::int32_t half = 0;   // 0 or 1
  std::int32_t zero_point = 0, lower = 0, upper = 255;
};

// a[i] * b[i], or a[i] * *b, for `count` elements; `output` may be an input.
struct MultiplyKernel {
  const char* name;
  Isa isa;
  void (*elements)(const MultiplyElements& constants, const std::uint8_t* a, const std::uint8_t* b, std::int64_t count,
                   std::uint8_t* output);
  void (*by_one)(const MultiplyElements& constants, const std::uint8_t* a, const std::uint8_t* b, std::int64_t count,
                 std::uint8_t* output);

  void run(const MultiplyCall& call, std::int64_t first, std::int64_t last) const;  // pixels [first, last)
};

extern const MultiplyKernel multiply_portable;
#if defined(ITRT_X86)
extern const MultiplyKernel multiply_avx2;
extern const MultiplyKernel multiply_avx512_vnni;
#endif

std::span<const MultiplyKernel* const> multiply_kernels();  // best first
const MultiplyKernel& select_multiply(Isa isa);

}  // namespace itrt::kernels
