// Every resize kernel against the oracle, byte for byte.
#include "kernels/resize/resize.h"

#include <gtest/gtest.h>

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
    AlignedBuffer scratch(kernels::resize_scratch_bytes(width, output_width, channels));
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

TEST(Resize, WeightsSumToOneAtEverySize) {
  for (const std::int64_t input : {1, 2, 3, 30, 97, 1023}) {
    for (const std::int64_t output : {1, 2, 3, 59, 97, 1023, 4000}) {
      for (std::int64_t o = 0; o < output; ++o) {
        const kernels::ResizeTap tap = kernels::resize_tap(o, input, output);
        ASSERT_EQ(tap.weight0 + tap.weight1, 128);
        ASSERT_TRUE(tap.weight1 >= 0 && tap.weight1 <= 128);
        ASSERT_TRUE(tap.index0 >= 0 && tap.index0 <= tap.index1 && tap.index1 < input);
      }
    }
  }
}

}  // namespace
}  // namespace itrt::test
