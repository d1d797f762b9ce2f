// Requantization of the portable kernels (docs/numerics.md). Internal linkage: each file compiles its own copy.
#pragma once

#include <cfloat>
#include <cstdint>

namespace itrt::kernels {
namespace {

static_assert(FLT_EVAL_METHOD == 0, "binary32 arithmetic must round to binary32");

// clamp(round_half_even(value), lower, upper) for integers lower and upper within [-255, 255]. The sum with 1.5 * 2^23
// has a unit in the last place of one, so the addition itself rounds, halves to even. Clamping first is the same:
// rounding is monotone and keeps integers. A NaN becomes `lower`, as maxps makes it.
inline std::int32_t clamp_and_round(float value, float lower, float upper) {
  constexpr float integer_ulp = 12582912.0f;
  value = value > lower ? value : lower;
  value = value < upper ? value : upper;
  return static_cast<std::int32_t>((value + integer_ulp) - integer_ulp);
}

}  // namespace
}  // namespace itrt::kernels
