// Every multiplication kernel against the oracle, byte for byte.
#include "kernels/multiply/multiply.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "kernels/exact_memory.h"

namespace itrt::test {
namespace {

// The formula in docs/numerics.md; 45 bits and a half fit into a long double.
std::uint8_t product(const kernels::MultiplyCall& call, std::int64_t a, std::int64_t b) {
  const std::int64_t exact = (a - call.inputs[0].zero_point) * (b - call.inputs[1].zero_point) * call.multiplier;
  const long double rounded = std::floor(std::ldexp(static_cast<long double>(exact), -call.shift) + 0.5L);
  const auto value = static_cast<std::int64_t>(rounded) + call.output_zero_point;
  return static_cast<std::uint8_t>(std::clamp<std::int64_t>(value, call.clamp_lower, call.clamp_upper));
}

std::int64_t at(const kernels::MultiplyInput& input, std::int64_t channels, std::int64_t pixel, std::int64_t channel) {
  const std::int64_t own = input.one_channel ? 1 : channels;
  return input.data[(input.one_pixel ? 0 : pixel) * own + (input.one_channel ? 0 : channel)];
}

std::vector<std::uint8_t> expected_of(const kernels::MultiplyCall& call, std::int64_t pixels) {
  std::vector<std::uint8_t> result;
  for (std::int64_t pixel = 0; pixel < pixels; ++pixel) {
    for (std::int64_t c = 0; c < call.channels; ++c) {
      result.push_back(
          product(call, at(call.inputs[0], call.channels, pixel, c), at(call.inputs[1], call.channels, pixel, c)));
    }
  }
  return result;
}

kernels::MultiplyCall random_call(Random& random) {
  kernels::MultiplyCall call;
  call.multiplier = static_cast<std::int32_t>(between(random, 0, 3) ? between(random, 1, 32767) : 32767);
  const std::int64_t most = kernels::largest_multiply_shift;
  call.shift = static_cast<std::int32_t>(between(random, 0, 1) ? between(random, 0, most) : between(random, 14, 32));
  call.output_zero_point = static_cast<std::int32_t>(between(random, 0, 255));
  call.clamp_lower = static_cast<std::int32_t>(between(random, 0, 1) ? 0 : between(random, 0, 255));
  call.clamp_upper = static_cast<std::int32_t>(between(random, call.clamp_lower, 255));
  for (kernels::MultiplyInput& input : call.inputs) {
    input.zero_point = static_cast<std::int32_t>(between(random, 0, 1) ? between(random, 0, 255) : 0);
  }
  return call;
}

std::int64_t size_of(const kernels::MultiplyInput& input, std::int64_t pixels, std::int64_t channels) {
  return (input.one_pixel ? 1 : pixels) * (input.one_channel ? 1 : channels);
}

TEST(Multiply, EveryKernelAndBroadcastEqualsTheOracle) {
  Random random(1);
  for (int round = 0; round < 400; ++round) {
    SCOPED_TRACE(round);
    kernels::MultiplyCall call = random_call(random);
    const std::int64_t pixels = between(random, 1, 9);
    call.channels = round < 80 ? round + 1 : between(random, 1, 80);
    // One of them may be one pixel, and one may have one channel.
    const auto pixel_of = static_cast<std::size_t>(between(random, 0, 3));
    const auto channel_of = static_cast<std::size_t>(between(random, 0, 3));
    if (pixel_of < 2) call.inputs[pixel_of].one_pixel = true;
    if (channel_of < 2) call.inputs[channel_of].one_channel = call.channels > 1;
    std::vector<ExactMemory> memory;
    for (kernels::MultiplyInput& input : call.inputs) {
      memory.emplace_back(random_bytes<std::uint8_t>(random, size_of(input, pixels, call.channels)), 0);
      input.data = memory.back().data();
    }
    const std::vector<std::uint8_t> expected = expected_of(call, pixels);
    each_kernel(kernels::multiply_kernels(), [&](const kernels::MultiplyKernel& kernel) {
      std::vector<std::uint8_t> found(expected.size());
      call.output = found.data();
      const std::int64_t cut = between(random, 0, pixels);
      kernel.run(call, cut, pixels);
      kernel.run(call, 0, cut);
      expect_equal<std::uint8_t>(expected, found);
    });
    if (HasFatalFailure()) return;
  }
}

TEST(Multiply, OverAnInput) {
  Random random(2);
  for (const bool broadcast : {false, true}) {
    for (const std::size_t place : {std::size_t{0}, std::size_t{1}}) {
      kernels::MultiplyCall call = random_call(random);
      call.channels = 37;
      call.inputs[1 - place].one_pixel = broadcast;
      const std::vector<std::uint8_t> values = random_bytes<std::uint8_t>(random, 37 * 5);
      const std::vector<std::uint8_t> others = random_bytes<std::uint8_t>(random, 37 * 5);
      call.inputs[place].data = values.data();
      call.inputs[1 - place].data = others.data();
      const std::vector<std::uint8_t> expected = expected_of(call, 5);
      each_kernel(kernels::multiply_kernels(), [&](const kernels::MultiplyKernel& kernel) {
        std::vector<std::uint8_t> memory = values;
        call.inputs[place].data = call.output = memory.data();
        kernel.run(call, 0, 5);
        expect_equal<std::uint8_t>(expected, memory);
      });
    }
  }
}

// All products of the extremes, whose 31 bits leave no room for a half, at every shift.
TEST(Multiply, ExtremesAtEveryShift) {
  const std::vector<std::uint8_t> a = {0, 0, 255, 255, 1, 254, 127, 128}, b = {0, 255, 0, 255, 254, 1, 129, 126};
  for (std::int32_t shift = 0; shift <= kernels::largest_multiply_shift; ++shift) {
    for (const std::int32_t zero_a : {0, 255}) {
      for (const std::int32_t zero_b : {0, 255}) {
        kernels::MultiplyCall call;
        call.inputs = {{{.data = a.data(), .zero_point = zero_a}, {.data = b.data(), .zero_point = zero_b}}};
        call.channels = 8;
        call.multiplier = 32767;
        call.shift = shift;
        call.output_zero_point = 100;
        const std::vector<std::uint8_t> expected = expected_of(call, 1);
        each_kernel(kernels::multiply_kernels(), [&](const kernels::MultiplyKernel& kernel) {
          std::vector<std::uint8_t> found(8);
          call.output = found.data();
          kernel.run(call, 0, 1);
          expect_equal<std::uint8_t>(expected, found);
        });
      }
    }
  }
}

}  // namespace
}  // namespace itrt::test
