#include "kernels/pool/pool.h"

namespace itrt::kernels {

void complete_in_binary64(AverageFactors& factors) {
  const std::int64_t steps = factors.divisor / 2, zeros = (steps - factors.constant) / factors.multiplier;
  const auto all = static_cast<double>(steps);
  factors.factor = static_cast<double>(factors.multiplier / 2) / all;
  factors.offset = 0.5 + 0.25 / all - static_cast<double>(zeros) * factors.factor;
}

}  // namespace itrt::kernels
