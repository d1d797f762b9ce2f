// Every resize kernel against the oracle, byte for byte.
#include "kernels/resize/resize.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/aligned_buffer.h"
#include "kernels/exact_memory.h"
#include "reference/kernels.h"

namespace itrt::test {
namespace {

// Output rows from `first` on, of an input whose rows before those that they read are not there.
void expect_rows_exact(const kernels::ResizeKernel& kernel, kernels::ResizeCall call, std::int64_t first,
                       const std::vector<std::uint8_t>& expected) {
  if (first >= call.output_height) return;
  const std::int64_t input_row = call.input_width * call.channels, output_row = call.output_width * call.channels;
  call.input_first_row = kernels::resize_tap(first, call.input_height, call.output_height).index0;
  const std::vector<std::uint8_t> rows(call.input + call.input_first_row * input_row,
                                       call.input + call.input_height * input_row);
  const ExactMemory input(rows, 0);
  std::vector<std::uint8_t> found(static_cast<std::size_t>((call.output_height - first) * output_row));
  call.input = input.data();
  call.output = found.data();
  call.output_first_row = first;
  kernel.run(call, first, call.output_height);
  expect_equal<std::uint8_t>({expected.begin() + first * output_row, expected.end()}, found);
}

void expect_exact(Random& random, std::int64_t height, std::int64_t width, std::int64_t channels,
                  std::int64_t output_height, std::int64_t output_width) {
  SCOPED_TRACE(testing::Message() << height << 'x' << width << 'x' << channels << " to " << output_height << 'x'
                                  << output_width);
  const ExactMemory input(random_bytes<std::uint8_t>(random, height * width * channels), 0);
  std::vector<std::uint8_t> expected;
  for (std::int64_t y = 0; y < output_height; ++y) {
    for (std::int64_t x = 0; x < output_width; ++x) {
      for (std::int64_t c = 0; c < channels; ++c) {
        const std::int64_t sum =
            reference::bilinear(input.data(), height, width, channels, y, x, c, output_height, output_width);
        expected.push_back(static_cast<std::uint8_t>((sum + 8192) / 16384));
      }
    }
  }
  each_kernel(kernels::resize_kernels(), [&](const kernels::ResizeKernel& kernel) {
    std::vector<std::uint8_t> found(expected.size());
    AlignedBuffer scratch(kernels::resize_scratch_bytes(channels));
    const kernels::ResizeCall call = {.input = input.data(),
                                      .input_height = height,
                                      .input_width = width,
                                      .channels = channels,
                                      .output = found.data(),
                                      .output_height = output_height,
                                      .output_width = output_width,
                                      .scratch = scratch.data()};
    const std::int64_t cut = between(random, 0, output_height);
    kernel.run(call, cut, output_height);
    kernel.run(call, 0, cut);
    expect_equal<std::uint8_t>(expected, found);
    expect_rows_exact(kernel, call, cut, expected);
  });
}

TEST(Resize, ChannelsAroundTheVectorWidth) {
  Random random(1);
  for (std::int64_t channels = 1; channels <= 70; ++channels) expect_exact(random, 3, 4, channels, 6, 8);
  for (const std::int64_t channels : {95, 96, 97, 127, 128, 129}) expect_exact(random, 3, 2, channels, 5, 4);
}

TEST(Resize, SizesUpAndDown) {
  Random random(2);
  for (int round = 0; round < 300; ++round) {
    expect_exact(random, between(random, 1, 9), between(random, 1, 9), between(random, 1, 20), between(random, 1, 20),
                 between(random, 1, 20));
    if (HasFatalFailure()) return;
  }
  expect_exact(random, 23, 30, 4, 45, 60);
  expect_exact(random, 45, 60, 3, 45, 60);
  expect_exact(random, 1, 1, 33, 7, 5);
}

// Where all weights are whole sixteenths, along both axes or one alone.
TEST(Resize, DoubledQuadrupledHalved) {
  Random random(4);
  for (const std::int64_t up : {1, 2, 4, 8, 16}) {
    for (const std::int64_t channels : {1, 11, 32, 64}) {
      expect_exact(random, 3, 5, channels, 3 * up, 5 * up);
      expect_exact(random, 3, 5, channels, 3 * up, 7);
      expect_exact(random, 3, 5, channels, 7, 5 * up);
      expect_exact(random, 2 * up, 3 * up, channels, 2, 3);
    }
  }
}

TEST(Resize, PartsOfRowsAndManyRows) {
  Random random(5);
  expect_exact(random, 4, 50, 64, 8, 100);
  expect_exact(random, 3, 33, 96, 5, 65);
  expect_exact(random, 2, 3, 2100, 4, 6);
  expect_exact(random, 75, 2, 3, 150, 4);
  expect_exact(random, 130, 1, 1, 300, 1);
}

// Aligned corners: each axis by itself, so that what a position is can be said in a line.
TEST(Resize, AlignedCornersInterpolateBetweenTheCorners) {
  Random random(3);
  for (int round = 0; round < 200; ++round) {
    SCOPED_TRACE(round);
    const bool vertical = between(random, 0, 1) == 1;
    const std::int64_t input = between(random, 1, 9), output = between(random, 1, 20),
                       channels = between(random, 1, 70);
    const ExactMemory memory(random_bytes<std::uint8_t>(random, input * channels), 0);
    std::vector<std::uint8_t> expected;
    for (std::int64_t o = 0; o < output; ++o) {
      const std::int64_t whole = std::max<std::int64_t>(output - 1, 1), position = o * (input - 1);
      const std::int64_t below = position / whole, above = std::min(below + 1, input - 1);
      const auto weight = static_cast<std::int64_t>(
          std::floor(128.0 * static_cast<double>(position % whole) / static_cast<double>(whole) + 0.5));
      for (std::int64_t c = 0; c < channels; ++c) {
        const std::int64_t sum =
            (128 - weight) * memory.data()[below * channels + c] + weight * memory.data()[above * channels + c];
        expected.push_back(static_cast<std::uint8_t>((sum * 128 + 8192) / 16384));
      }
    }
    each_kernel(kernels::resize_kernels(), [&](const kernels::ResizeKernel& kernel) {
      std::vector<std::uint8_t> found(expected.size());
      AlignedBuffer scratch(kernels::resize_scratch_bytes(channels));
      kernels::ResizeCall call = {.input = memory.data(),
                                  .input_height = vertical ? input : 1,
                                  .input_width = vertical ? 1 : input,
                                  .channels = channels,
                                  .output = found.data(),
                                  .output_height = vertical ? output : 1,
                                  .output_width = vertical ? 1 : output,
                                  .alignment = kernels::Alignment::corners,
                                  .scratch = scratch.data()};
      kernel.run(call, 0, call.output_height);
      expect_equal<std::uint8_t>(expected, found);
    });
    if (HasFatalFailure()) return;
  }
}

TEST(Resize, TheNearestPixelIsTheOneAtTheRoundedDownPosition) {
  Random random(4);
  for (int round = 0; round < 200; ++round) {
    SCOPED_TRACE(round);
    kernels::ResizeCall call;
    call.input_height = between(random, 1, 9), call.input_width = between(random, 1, 9);
    call.output_height = between(random, 1, 20), call.output_width = between(random, 1, 20);
    call.channels = between(random, 1, 40);
    const ExactMemory input(random_bytes<std::uint8_t>(random, call.input_height * call.input_width * call.channels),
                            0);
    call.input = input.data();
    std::vector<std::uint8_t> expected;
    for (std::int64_t y = 0; y < call.output_height; ++y) {
      for (std::int64_t x = 0; x < call.output_width; ++x) {
        const std::int64_t row = y * call.input_height / call.output_height;
        const std::int64_t column = x * call.input_width / call.output_width;
        for (std::int64_t c = 0; c < call.channels; ++c) {
          expected.push_back(input.data()[(row * call.input_width + column) * call.channels + c]);
        }
      }
    }
    std::vector<std::uint8_t> found(expected.size());
    call.output = found.data();
    const std::int64_t cut = between(random, 0, call.output_height);
    kernels::resize_nearest(call, cut, call.output_height);
    kernels::resize_nearest(call, 0, cut);
    expect_equal<std::uint8_t>(expected, found);
    if (HasFatalFailure()) return;
  }
}

TEST(Resize, WeightsSumToOneAtEverySize) {
  for (const std::int64_t input : {1, 2, 3, 30, 97, 1023}) {
    for (const std::int64_t output : {1, 2, 3, 59, 97, 1023, 4000}) {
      for (std::int64_t o = 0; o < output; ++o) {
        for (const kernels::Alignment alignment : {kernels::Alignment::borders, kernels::Alignment::corners}) {
          const kernels::ResizeTap tap = kernels::resize_tap(o, input, output, alignment);
          ASSERT_EQ(tap.weight0 + tap.weight1, 128);
          ASSERT_TRUE(tap.weight1 >= 0 && tap.weight1 <= 128);
          ASSERT_TRUE(tap.index0 >= 0 && tap.index0 <= tap.index1 && tap.index1 < input);
        }
      }
    }
  }
}

}  // namespace
}  // namespace itrt::test
