// Every addition kernel against the oracle, byte for byte.
#include "kernels/add/add.h"

#include <gtest/gtest.h>

#include <list>

#include "kernels/exact_memory.h"
#include "reference/kernels.h"

namespace itrt::test {
namespace {

// The same with the output written over one of the inputs, in ranges of any size and order.
void expect_in_place(Random& random, const kernels::AddKernel& kernel, kernels::AddCall call, std::int64_t count,
                     const std::vector<std::uint8_t>& expected) {
  std::vector<kernels::AddInput> inputs(call.inputs.begin(), call.inputs.end());
  kernels::AddInput& target =
      inputs[static_cast<std::size_t>(between(random, 0, static_cast<std::int64_t>(inputs.size()) - 1))];
  std::vector<std::uint8_t> memory(target.data, target.data + count);
  target.data = memory.data();
  call.inputs = inputs;
  call.output = memory.data();
  const std::int64_t cut = between(random, 0, count);
  kernel.run(call, cut, count);
  kernel.run(call, 0, cut);
  expect_equal<std::uint8_t>(expected, memory);
}

TEST(Add, EveryKernelEqualsTheOracle) {
  Random random(1);
  for (int round = 0; round < 300; ++round) {
    SCOPED_TRACE(round);
    const std::int64_t count = round < 140 ? round + 1 : between(random, 1, 700);
    std::list<ExactMemory> memory;
    std::vector<kernels::AddInput> inputs;
    for (std::int64_t n = between(random, 1, 4); n > 0; --n) {
      memory.emplace_back(random_bytes<std::uint8_t>(random, count), 0);  // nothing may be read past the end
      const std::int64_t limit = between(random, 0, 1) ? kernels::largest_add_multiplier : 300;
      inputs.push_back({memory.back().data(), static_cast<std::int32_t>(between(random, 0, 255)),
                        static_cast<std::int32_t>(between(random, -limit, limit))});
    }
    const auto shift = static_cast<std::int32_t>(between(random, 0, kernels::largest_add_shift));
    const std::int32_t zero_point = static_cast<std::int32_t>(between(random, 0, 255));
    const std::int32_t lower = static_cast<std::int32_t>(between(random, 0, 1) ? 0 : between(random, 0, 255));
    const std::int32_t upper = static_cast<std::int32_t>(between(random, 0, 1) ? 255 : between(random, lower, 255));
    const auto expected = reference::add(inputs, count, shift, zero_point, lower, upper);
    each_kernel(kernels::add_kernels(), [&](const kernels::AddKernel& kernel) {
      std::vector<std::uint8_t> found(expected.size());
      const kernels::AddCall call = {.inputs = inputs,
                                     .shift = shift,
                                     .output_zero_point = zero_point,
                                     .clamp_lower = lower,
                                     .clamp_upper = upper,
                                     .output = found.data()};
      const std::int64_t cut = between(random, 0, count);
      kernel.run(call, 0, cut);
      kernel.run(call, cut, count);
      expect_equal<std::uint8_t>(expected, found);
      expect_in_place(random, kernel, call, count, expected);
    });
    if (HasFatalFailure()) return;
  }
}

TEST(Add, RoundsHalvesUp) {
  std::vector<std::uint8_t> values(256);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::uint8_t>(i);
  for (const std::int32_t multiplier : {1, -1, 3}) {
    const kernels::AddInput input = {values.data(), 128, multiplier};
    const auto expected = reference::add({&input, 1}, 256, 1, 127, 0, 255);
    each_kernel(kernels::add_kernels(), [&](const kernels::AddKernel& kernel) {
      std::vector<std::uint8_t> found(256);
      kernel.run({.inputs = {&input, 1}, .shift = 1, .output_zero_point = 127, .output = found.data()}, 0, 256);
      expect_equal<std::uint8_t>(expected, found);
    });
  }
}

// The largest sums that a program may have.
TEST(Add, MostInputsWithTheLargestMultipliers) {
  const std::vector<std::uint8_t> values(70, 255);
  for (const std::int32_t multiplier : {kernels::largest_add_multiplier, -kernels::largest_add_multiplier}) {
    const std::vector<kernels::AddInput> inputs(kernels::most_add_inputs, {values.data(), 0, multiplier});
    const std::vector<kernels::AddInput> centred(kernels::most_add_inputs, {values.data(), 255, multiplier});
    for (const auto& all : {inputs, centred}) {
      const auto expected = reference::add(all, 70, 23, 100, 0, 255);
      each_kernel(kernels::add_kernels(), [&](const kernels::AddKernel& kernel) {
        std::vector<std::uint8_t> found(70);
        kernel.run({.inputs = all, .shift = 23, .output_zero_point = 100, .output = found.data()}, 0, 70);
        expect_equal<std::uint8_t>(expected, found);
      });
    }
  }
}

}  // namespace
}  // namespace itrt::test
