// Every kernel of tables against the formula: out = table[c][q].
#include "kernels/lookup/lookup.h"

#include <gtest/gtest.h>

#include "kernels/exact_memory.h"

namespace itrt::test {
namespace {

TEST(Lookup, EveryKernelEqualsTheFormula) {
  Random random(1);
  for (int round = 0; round < 200; ++round) {
    SCOPED_TRACE(round);
    const std::int64_t channels = between(random, 1, 90), pixels = between(random, 1, 40);
    const bool one_table = between(random, 0, 1) == 1;
    const ExactMemory input(random_bytes<std::uint8_t>(random, channels * pixels), 0);
    const ExactMemory tables(random_bytes<std::uint8_t>(random, 256 * (one_table ? 1 : channels)), 0);
    std::vector<std::uint8_t> expected;
    for (std::int64_t i = 0; i < channels * pixels; ++i) {
      expected.push_back(tables.data()[(one_table ? 0 : i % channels) * 256 + input.data()[i]]);
    }
    each_kernel(kernels::lookup_kernels(), [&](const kernels::LookupKernel& kernel) {
      const std::int64_t cut = between(random, 0, pixels);
      kernels::LookupCall call = {.input = input.data(),
                                  .channels = channels,
                                  .tables = tables.data(),
                                  .one_table = one_table,
                                  .output = nullptr};
      std::vector<std::uint8_t> found(expected.size());
      call.output = found.data();
      kernel.run(call, cut, pixels);
      kernel.run(call, 0, cut);
      expect_equal<std::uint8_t>(expected, found);

      std::vector<std::uint8_t> over(input.data(), input.data() + channels * pixels);
      call.input = call.output = over.data();
      kernel.run(call, 0, pixels);
      expect_equal<std::uint8_t>(expected, over);
    });
    if (HasFatalFailure()) return;
  }
}

// Every value, so that a table that is cut into parts shows a wrong one.
TEST(Lookup, EveryValue) {
  Random random(2);
  std::vector<std::uint8_t> values(256);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::uint8_t>(255 - i);
  std::vector<std::uint8_t> table(256);
  for (std::uint8_t& entry : table) entry = static_cast<std::uint8_t>(between(random, 0, 255));
  each_kernel(kernels::lookup_kernels(), [&](const kernels::LookupKernel& kernel) {
    std::vector<std::uint8_t> found(256);
    kernel.run({.input = values.data(), .channels = 1, .tables = table.data(), .output = found.data()}, 0, 256);
    expect_equal<std::uint8_t>(std::vector<std::uint8_t>(table.rbegin(), table.rend()), found);
  });
}

}  // namespace
}  // namespace itrt::test
