// Inputs with exactly the readable bytes that a contract promises, so that the address sanitizer sees every read past
// them; and the loop over kernels.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "base/isa.h"

namespace itrt::test {

using Random = std::mt19937;

inline std::int64_t between(Random& random, std::int64_t low, std::int64_t high) {
  return std::uniform_int_distribution<std::int64_t>(low, high)(random);
}

// Bytes of a model tensor: full range, and often the extremes, where 16-bit intermediates saturate.
template <class T>
std::vector<T> random_bytes(Random& random, std::int64_t count) {
  std::vector<T> values(static_cast<std::size_t>(count));
  const std::int64_t kind = between(random, 0, 3);
  constexpr std::int64_t low = std::numeric_limits<T>::min(), high = std::numeric_limits<T>::max();
  for (T& value : values) {
    if (kind == 0) value = static_cast<T>(high);
    if (kind == 1) value = static_cast<T>(between(random, 0, 1) ? low : high);
    if (kind >= 2) value = static_cast<T>(between(random, low, high));
  }
  return values;
}

class ExactMemory {
 public:
  ExactMemory(std::span<const std::uint8_t> values, std::size_t slack)
      : data_(new std::uint8_t[values.size() + slack]) {
    std::memcpy(data_.get(), values.data(), values.size());
    std::memset(data_.get() + values.size(), 0xa5, slack);
  }
  const std::uint8_t* data() const { return data_.get(); }

 private:
  std::unique_ptr<std::uint8_t[]> data_;
};

// Calls body(kernel) for every compiled kernel that this CPU runs.
template <class Kernel, class Body>
void each_kernel(std::span<const Kernel* const> kernels, const Body& body) {
  for (const Kernel* kernel : kernels) {
    if (!is_detected(kernel->isa)) continue;
    SCOPED_TRACE(kernel->name);
    body(*kernel);
    if (testing::Test::HasFatalFailure()) return;
  }
}

template <class T>
void expect_equal(std::span<const T> expected, std::span<const T> found) {
  ASSERT_EQ(expected.size(), found.size());
  for (std::size_t i = 0; i < expected.size(); ++i) ASSERT_EQ(+expected[i], +found[i]) << "at " << i;
}

}  // namespace itrt::test
