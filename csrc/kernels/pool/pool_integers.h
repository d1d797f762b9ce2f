// The average of a sum as docs/numerics.md has it, in integers alone: the portable kernel's way, and that of windows
// which are too large for the others.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/pool/pool.h"

namespace itrt::kernels {
namespace {

inline std::uint8_t average_of(std::int64_t sum, const AverageFactors& factors) {
  const std::int64_t dividend = sum * factors.multiplier + factors.constant;
  const std::int64_t floor = dividend / factors.divisor - (dividend % factors.divisor < 0);
  return static_cast<std::uint8_t>(std::clamp<std::int64_t>(floor + factors.zero_point, 0, 255));
}

}  // namespace
}  // namespace itrt::kernels
