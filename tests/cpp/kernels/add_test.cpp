// Every addition kernel against the oracle, byte for byte.
#include "kernels/add/add.h"

#include <gtest/gtest.h>

#include <list>

#include "kernels/exact_memory.h"
#include "reference/kernels.h"

namespace itrt::test {
namespace {

TEST(Add, EveryKernelEqualsTheOracle) {
  Random random(1);
  for (int round = 0; round < 300; ++round) {
    SCOPED_TRACE(round);
    const std::int64_t count = round < 140 ? round + 1 : between(random, 1, 700);
    std::list<ExactMemory> memory;
    std::vector<kernels::AddInput> inputs;
    for (std::int64_t n = between(random, 1, 4); n > 0; --n) {
      memory.emplace_back(random_bytes<std::uint8_t>(random, count), 0);  // nothing may be read past the end
      const float exponent = static_cast<float>(between(random, -3, 1));
      const float multiplier = static_cast<float>(between(random, -2000, 2000)) * 1e-3f * std::exp2(exponent);
      inputs.push_back({memory.back().data(), static_cast<std::int32_t>(between(random, 0, 255)),
                        between(random, 0, 15) ? multiplier : multiplier * 1e35f});
    }
    const std::int32_t zero_point = static_cast<std::int32_t>(between(random, 0, 255));
    const std::int32_t lower = static_cast<std::int32_t>(between(random, 0, 1) ? 0 : between(random, 0, 255));
    const std::int32_t upper = static_cast<std::int32_t>(between(random, 0, 1) ? 255 : between(random, lower, 255));
    const auto expected = reference::add(inputs, count, zero_point, lower, upper);
    each_kernel(kernels::add_kernels(), [&](const kernels::AddKernel& kernel) {
      std::vector<std::uint8_t> found(expected.size());
      const kernels::AddCall call = {.inputs = inputs,
                                     .output_zero_point = zero_point,
                                     .clamp_lower = lower,
                                     .clamp_upper = upper,
                                     .output = found.data()};
      const std::int64_t cut = between(random, 0, count);
      kernel.run(call, 0, cut);
      kernel.run(call, cut, count);
      expect_equal<std::uint8_t>(expected, found);
    });
    if (HasFatalFailure()) return;
  }
}

TEST(Add, RoundsHalvesToEven) {
  std::vector<std::uint8_t> values(256);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::uint8_t>(i);
  for (const float multiplier : {0.5f, -0.5f, 1.5f}) {
    const kernels::AddInput input = {values.data(), 128, multiplier};
    const auto expected = reference::add({&input, 1}, 256, 127, 0, 255);
    each_kernel(kernels::add_kernels(), [&](const kernels::AddKernel& kernel) {
      std::vector<std::uint8_t> found(256);
      kernel.run({.inputs = {&input, 1}, .output_zero_point = 127, .output = found.data()}, 0, 256);
      expect_equal<std::uint8_t>(expected, found);
    });
  }
}

}  // namespace
}  // namespace itrt::test
