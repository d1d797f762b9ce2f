// Every pooling kernel against the oracle, byte for byte.
#include "kernels/pool/pool.h"

#include <gtest/gtest.h>

#include "kernels/exact_memory.h"
#include "reference/pooling.h"

namespace itrt::test {
namespace {

std::int64_t elements(const kernels::PoolCall& call) {
  return call.vertical.input * call.horizontal.input * call.channels;
}

// The whole output, in two parts of any size.
void expect_oracle(Random& random, kernels::PoolCall call) {
  const std::vector<std::uint8_t> expected = reference::pool(call);
  const std::int64_t blocks = call.vertical.output * call.horizontal.output * kernels::pool_blocks(call.channels);
  each_kernel(kernels::pool_kernels(), [&](const kernels::PoolKernel& kernel) {
    std::vector<std::uint8_t> found(expected.size());
    call.output = found.data();
    const std::int64_t cut = between(random, 0, blocks);
    kernel.run(call, cut, blocks);
    kernel.run(call, 0, cut);
    expect_equal<std::uint8_t>(expected, found);
  });
}

// A window that fits, with an output of at most six places.
kernels::PoolAxis random_axis(Random& random, bool dilated) {
  kernels::PoolAxis axis;
  axis.kernel = between(random, 1, 6);
  axis.stride = between(random, 1, 4);
  axis.dilation = dilated ? between(random, 1, 3) : 1;
  axis.padding_before = between(random, 0, axis.kernel / 2);
  axis.padding_behind = between(random, 0, axis.kernel / 2);
  const std::int64_t window = axis.dilation * (axis.kernel - 1) + 1;
  const std::int64_t fewest = std::max<std::int64_t>(window - axis.padding_before - axis.padding_behind, 1);
  axis.input = between(random, fewest, fewest + 9);
  const std::int64_t room = axis.input + axis.padding_before + axis.padding_behind - window;
  axis.output = room / axis.stride + 1;
  // Sometimes one more, as ceil adds: it starts inside the input.
  if (axis.output * axis.stride < axis.input + axis.padding_before && between(random, 0, 1)) ++axis.output;
  return axis;
}

kernels::PoolAverage random_average(Random& random) {
  kernels::PoolAverage average;
  average.multiplier = static_cast<std::int32_t>(between(random, 0, 3) ? between(random, 1, 32767) : 32767);
  average.shift = static_cast<std::int32_t>(between(random, 0, 1) ? between(random, 12, 17) : between(random, 0, 28));
  average.input_zero_point = static_cast<std::int32_t>(between(random, 0, 255));
  average.output_zero_point = static_cast<std::int32_t>(between(random, 0, 255));
  average.count_padding = between(random, 0, 1) == 1;
  return average;
}

TEST(Pool, EveryKernelEqualsTheOracle) {
  Random random(1);
  for (int round = 0; round < 300; ++round) {
    SCOPED_TRACE(round);
    kernels::PoolCall call;
    call.channels = round < 140 ? round + 1 : between(random, 1, 140);
    if (between(random, 0, 1)) call.average = random_average(random);
    call.vertical = random_axis(random, !call.average);
    call.horizontal = random_axis(random, !call.average);
    const ExactMemory memory(random_bytes<std::uint8_t>(random, elements(call)), 0);  // nothing behind it is read
    call.input = memory.data();
    expect_oracle(random, call);
    if (HasFatalFailure()) return;
  }
}

TEST(Pool, WindowsThatDivideTheInput) {
  Random random(2);
  for (int round = 0; round < 100; ++round) {
    SCOPED_TRACE(round);
    kernels::PoolCall call;
    call.channels = between(random, 1, 70);
    call.average = random_average(random);
    for (kernels::PoolAxis* axis : {&call.vertical, &call.horizontal}) {
      *axis = {.input = between(random, 1, 12), .output = between(random, 1, 15), .divides = true};
    }
    const ExactMemory memory(random_bytes<std::uint8_t>(random, elements(call)), 0);
    call.input = memory.data();
    expect_oracle(random, call);
    if (HasFatalFailure()) return;
  }
}

// 16-bit sums would overflow; the fast formula's last window, and the first one beyond it.
TEST(Pool, LargeWindows) {
  Random random(3);
  for (const std::int64_t pixels : {std::int64_t{256}, std::int64_t{257}, std::int64_t{5000}, kernels::largest_window,
                                    kernels::largest_window + 1}) {
    for (const std::int32_t shift : {0, 15, 28}) {
      SCOPED_TRACE(std::to_string(pixels) + " pixels, shift " + std::to_string(shift));
      kernels::PoolCall call;
      call.channels = 3;
      call.average = random_average(random);
      call.average->shift = shift;
      call.average->multiplier = shift == 28 ? 32767 : static_cast<std::int32_t>(between(random, 1, 1 << shift));
      call.vertical = {.input = 1, .output = 1, .divides = true};
      call.horizontal = {.input = pixels, .output = 1, .divides = true};
      const std::vector<std::uint8_t> values = random_bytes<std::uint8_t>(random, elements(call));
      call.input = values.data();
      expect_oracle(random, call);
      if (HasFatalFailure()) return;
    }
  }
}

// Averages that lie on a half, or as near to it as any can: the double must not tip them over.
TEST(Pool, HalvesAreRoundedUpAndNothingElseIs) {
  for (const std::int64_t taps : {1, 2, 3, 4, 7, 9, 49, 1000}) {
    for (const auto& [multiplier, shift] :
         {std::pair{1, 0}, {1, 1}, {1, 8}, {16384, 15}, {32767, 16}, {32767, 28}, {3, 28}}) {
      SCOPED_TRACE(std::to_string(taps) + " taps, " + std::to_string(multiplier) + " / 2^" + std::to_string(shift));
      kernels::PoolCall call;
      call.average = {.multiplier = multiplier, .shift = shift, .input_zero_point = 100, .output_zero_point = 128};
      call.vertical = {.input = 1, .output = 1, .divides = true};
      call.horizontal = {.input = taps, .output = 1, .divides = true};
      call.channels = 511;  // sums from -255 to 255 beside the zero point's
      std::vector<std::uint8_t> values(static_cast<std::size_t>(elements(call)), 100);
      for (std::int64_t c = 0; c < call.channels; ++c) {
        // What is added to the zero points, spread over the taps as far as a byte goes.
        std::int64_t rest = c - 255;
        for (std::int64_t tap = 0; tap < taps; ++tap) {
          const std::int64_t step = std::clamp<std::int64_t>(rest, -100, 155);
          values[static_cast<std::size_t>(tap * call.channels + c)] = static_cast<std::uint8_t>(100 + step);
          rest -= step;
        }
      }
      call.input = values.data();
      Random random(4);
      expect_oracle(random, call);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(Pool, RowsBeforeTheFirstMayBeMissing) {
  Random random(5);
  kernels::PoolCall call;
  call.channels = 40;
  call.vertical = {.input = 12, .output = 6, .kernel = 3, .stride = 2, .padding_before = 1, .padding_behind = 1};
  call.horizontal = {.input = 9, .output = 9, .kernel = 3, .padding_before = 1, .padding_behind = 1};
  const std::vector<std::uint8_t> values = random_bytes<std::uint8_t>(random, elements(call));
  call.input = values.data();
  const std::vector<std::uint8_t> expected = reference::pool(call);
  constexpr std::int64_t first_row = 3;  // of the output; it reads the input from row 5 on
  const std::int64_t row_blocks = call.horizontal.output * kernels::pool_blocks(call.channels);
  const std::int64_t skipped = first_row * call.horizontal.output * call.channels;
  const ExactMemory rest(std::span<const std::uint8_t>(values).subspan(5 * 9 * 40), 0);
  each_kernel(kernels::pool_kernels(), [&](const kernels::PoolKernel& kernel) {
    std::vector<std::uint8_t> found(expected.size() - static_cast<std::size_t>(skipped));
    kernels::PoolCall part = call;
    part.input = rest.data();
    part.input_first_row = 5;
    part.output = found.data();
    part.output_first_row = first_row;
    kernel.run(part, first_row * row_blocks, 6 * row_blocks);
    expect_equal<std::uint8_t>(std::span<const std::uint8_t>(expected).subspan(static_cast<std::size_t>(skipped)),
                               found);
  });
}

}  // namespace
}  // namespace itrt::test
