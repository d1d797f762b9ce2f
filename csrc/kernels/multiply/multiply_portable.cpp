#include "kernels/multiply/multiply.h"

namespace itrt::kernels {
namespace {

inline std::uint8_t product(const MultiplyElements& constants, std::int32_t a, std::int32_t b) {
  const std::int32_t exact = (a - constants.zero_a) * (b - constants.zero_b) * constants.multiplier;
  const std::int32_t value = (((exact >> constants.shift) + constants.half) >> constants.half) + constants.zero_point;
  return static_cast<std::uint8_t>(value < constants.lower   ? constants.lower
                                   : value > constants.upper ? constants.upper
                                                             : value);
}

void elements(const MultiplyElements& constants, const std::uint8_t* a, const std::uint8_t* b, std::int64_t count,
              std::uint8_t* output) {
  const MultiplyElements mine = constants;  // for all that the compiler knows, outputs overlap the original
  for (std::int64_t i = 0; i < count; ++i) output[i] = product(mine, a[i], b[i]);
}

void by_one(const MultiplyElements& constants, const std::uint8_t* a, const std::uint8_t* b, std::int64_t count,
            std::uint8_t* output) {
  const MultiplyElements mine = constants;
  const std::int32_t factor = *b;
  for (std::int64_t i = 0; i < count; ++i) output[i] = product(mine, a[i], factor);
}

}  // namespace

const MultiplyKernel multiply_portable = {"portable", Isa::portable, elements, by_one};

}  // namespace itrt::kernels
